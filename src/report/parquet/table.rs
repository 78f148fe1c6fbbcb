//! Columns in memory, and writing them as a row group of a Parquet file.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parquet::{
    basic::{Compression, ConvertedType, Repetition, Type as Physical},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};

/// A column; what is not there is null.
#[derive(Debug)]
pub enum Column {
    /// Unsigned, 32 bits.
    U32(Vec<Option<u32>>),
    /// Unsigned, 64 bits.
    U64(Vec<Option<u64>>),
    /// Yes or no.
    Bool(Vec<Option<bool>>),
    /// Floating point, 64 bits.
    F64(Vec<Option<f64>>),
    /// Milliseconds since 1970 in UTC.
    Time(Vec<Option<i64>>),
    /// UTF-8.
    Text(Vec<Option<String>>),
}

impl Column {
    /// Physical type, and what it stands for.
    fn kind(&self) -> (Physical, ConvertedType) {
        match self {
            Self::U32(_) => (Physical::INT32, ConvertedType::UINT_32),
            Self::U64(_) => (Physical::INT64, ConvertedType::UINT_64),
            Self::Bool(_) => (Physical::BOOLEAN, ConvertedType::NONE),
            Self::F64(_) => (Physical::DOUBLE, ConvertedType::NONE),
            Self::Time(_) => (Physical::INT64, ConvertedType::TIMESTAMP_MILLIS),
            Self::Text(_) => (Physical::BYTE_ARRAY, ConvertedType::UTF8),
        }
    }

    fn write(self, writer: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        match (self, writer) {
            // Parquet keeps unsigned integers in signed ones of the same bits.
            (Self::U32(values), ColumnWriter::Int32ColumnWriter(writer)) => {
                let (values, levels) = dense(values, u32::cast_signed);
                writer.write_batch(&values, Some(&levels), None)?;
            }
            (Self::U64(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                let (values, levels) = dense(values, u64::cast_signed);
                writer.write_batch(&values, Some(&levels), None)?;
            }
            (Self::Time(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                let (values, levels) = dense(values, |time| time);
                writer.write_batch(&values, Some(&levels), None)?;
            }
            (Self::Bool(values), ColumnWriter::BoolColumnWriter(writer)) => {
                let (values, levels) = dense(values, |flag| flag);
                writer.write_batch(&values, Some(&levels), None)?;
            }
            (Self::F64(values), ColumnWriter::DoubleColumnWriter(writer)) => {
                let (values, levels) = dense(values, |value| value);
                writer.write_batch(&values, Some(&levels), None)?;
            }
            (Self::Text(values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                let (values, levels) = dense(values, |text| ByteArray::from(text.into_bytes()));
                writer.write_batch(&values, Some(&levels), None)?;
            }
            (column, _) => {
                return Err(ParquetError::General(format!("a column is not {:?}", column.kind().0)));
            }
        }
        Ok(())
    }
}

/// The values that are there, and for every row whether one is.
fn dense<T, U>(values: Vec<Option<T>>, change: impl Fn(T) -> U) -> (Vec<U>, Vec<i16>) {
    let levels = values.iter().map(|value| i16::from(value.is_some())).collect();
    (values.into_iter().flatten().map(change).collect(), levels)
}

/// Columns of one length with their names.
pub type Table = Vec<(&'static str, Column)>;

/// Why there is no Parquet file.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The operating system refused.
    #[error("failed to write `{path}`: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file could not be made.
    #[error("failed to write `{path}`: {source}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: ParquetError,
    },
}

/// A Parquet file that is being written; it has its name only when it is whole.
pub struct TableWriter {
    path: PathBuf,
    unfinished: Unfinished,
    writer: SerializedFileWriter<File>,
}

/// A file without its name; it goes if it does not get one.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It is not there any more if it was finished; whatever else is wrong was reported by whoever wrote to it.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl TableWriter {
    /// Begins a file whose columns are those of `table`, the rows of which are not written.
    ///
    /// # Errors
    /// A folder that cannot be written to.
    pub fn create(path: &Path, table: &Table) -> Result<TableWriter, WriteError> {
        let unfinished = Unfinished(path.with_extension("parquet.unfinished"));
        let failed = |source| WriteError::Parquet { path: path.to_path_buf(), source };
        let schema = schema(table).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("minting-replay ", env!("CARGO_PKG_VERSION")).to_owned());
        let file = File::create(&unfinished.0)
            .map_err(|source| WriteError::Io { path: path.to_path_buf(), source })?;
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build())).map_err(failed)?;
        Ok(TableWriter { path: path.to_path_buf(), unfinished, writer })
    }

    /// Writes rows, as a row group.
    ///
    /// # Errors
    /// A disk that is full, and the like.
    pub fn write(&mut self, table: Table) -> Result<(), WriteError> {
        self.group(table).map_err(|source| WriteError::Parquet { path: self.path.clone(), source })
    }

    fn group(&mut self, table: Table) -> Result<(), ParquetError> {
        let mut group = self.writer.next_row_group()?;
        for (_, column) in table {
            let Some(mut writer) = group.next_column()? else { break };
            column.write(writer.untyped())?;
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// A disk that is full, and the like.
    pub fn finish(self) -> Result<(), WriteError> {
        let TableWriter { path, unfinished, writer } = self;
        let file =
            writer.into_inner().map_err(|source| WriteError::Parquet { path: path.clone(), source })?;
        file.sync_all()
            .and_then(|()| std::fs::rename(&unfinished.0, &path))
            .map_err(|source| WriteError::Io { path, source })
    }
}

fn schema(table: &Table) -> Result<TypePtr, ParquetError> {
    let field = |(name, column): &(&'static str, Column)| {
        let (physical, converted) = column.kind();
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_converted_type(converted);
        Ok(Arc::new(field.build()?))
    };
    let fields = table.iter().map(field).collect::<Result<Vec<_>, ParquetError>>()?;
    Ok(Arc::new(Type::group_type_builder("schema").with_fields(fields).build()?))
}
