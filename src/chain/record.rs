//! Decode plans: which parts of a value the rules read, and how to get past the others.
//!
//! A plan is compiled once per runtime from the type registry. Fields are matched by name and type; a field that is
//! missing or has another type is an error when the plan is compiled, never a guess when a value is read. Which of an
//! item's historical layouts a runtime has is decided then, too, by the names of its fields.

use super::{
    MAX_DEPTH,
    registry::{Field, Primitive, Registry, Type, TypeId},
    scale::{self, Wrong},
    skip::SkipPrograms,
};
use crate::archive::bytes::Cursor;

/// What a wanted field must be.
#[derive(Clone, Copy, Debug)]
pub enum Want {
    /// An unsigned integer of so many bytes, at most 8.
    Unsigned(u8),
    /// A bool, read as 0 or 1.
    Bool,
    /// An unsigned integer of 8 or 16 bytes whose value fits 8.
    Wide,
    /// A byte string.
    Bytes,
    /// A byte string or an option of one; [`Part::Absent`] if it is none.
    OptionalBytes,
    /// An enum: every variant of the runtime must be one of these names; the number given here is read, and the
    /// fields wanted of it.
    OneOf(&'static [(&'static str, u64, &'static [Wanted])]),
}

/// A field that is read: where it is, what it is and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Names of the fields on the way, joined by dots; fields without names are their place (`0`, `1`, …). A struct
    /// or variant with one unnamed field does not show in the path.
    pub path: &'static str,
    /// What it must be.
    pub want: Want,
    /// Index in the record.
    pub slot: usize,
}

/// What is read of an item, whatever runtime wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The fields of the current layout, which may have others as well.
    pub wanted: &'static [Wanted],
    /// Every earlier layout that has not all of them.
    pub older: &'static [Older],
}

/// An earlier layout of an item.
#[derive(Clone, Copy, Debug)]
pub struct Older {
    /// The names of all its fields in order, places (`0`, `1`, …) where they have none: it is this layout if they
    /// are exactly these.
    pub fields: &'static [&'static str],
    /// The fields that are read.
    pub wanted: &'static [Wanted],
    /// What stands for the fields that it lacks, by slot.
    pub defaults: &'static [(usize, u64)],
}

/// A part of a value that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// It belongs to a variant that the value is not.
    #[default]
    Absent,
    /// A number, a bool or the number of a variant.
    Number(u64),
    /// A byte string.
    Bytes(Vec<u8>),
}

/// The parts of a value that a plan reads, by slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    parts: Vec<Part>,
}

impl Record {
    fn blank(slots: usize, defaults: &[(usize, u64)]) -> Record {
        let slots = defaults.iter().map(|(slot, _)| slot + 1).max().unwrap_or(0).max(slots);
        let mut record = Record { parts: vec![Part::Absent; slots] };
        for (slot, value) in defaults {
            record.set(*slot, Part::Number(*value));
        }
        record
    }

    fn set(&mut self, slot: usize, part: Part) {
        if let Some(place) = self.parts.get_mut(slot) {
            *place = part;
        }
    }

    /// The number in a slot.
    pub fn number(&self, slot: usize) -> Option<u64> {
        match self.parts.get(slot) {
            Some(Part::Number(n)) => Some(*n),
            _ => None,
        }
    }

    /// The number in a slot whose type has at most 32 bits.
    pub fn number32(&self, slot: usize) -> Option<u32> {
        self.number(slot).and_then(|n| u32::try_from(n).ok())
    }

    /// The byte string in a slot.
    pub fn bytes(&self, slot: usize) -> Option<Vec<u8>> {
        match self.parts.get(slot) {
            Some(Part::Bytes(bytes)) => Some(bytes.clone()),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Get past bytes.
    SkipBytes(usize),
    /// Get past a value.
    Skip(TypeId),
    /// Read an integer of so many bytes.
    Unsigned(u8, usize),
    /// Read an integer of 16 bytes.
    Wide(usize),
    /// Read a bool.
    Bool(usize),
    /// Read a byte string with a compact length.
    Bytes(usize),
    /// Read a byte string of fixed length.
    FixedBytes(usize, usize),
    /// Read one byte that says whether a byte string follows.
    Optional { ty: TypeId, none: u8, some: u8, step: Box<Step> },
    /// Read which variant it is and what is wanted of it.
    OneOf { ty: TypeId, slot: usize, cases: Vec<(u8, u64, Vec<Step>)> },
}

/// How to read a record from a value of one type.
#[derive(Clone, Debug)]
pub struct RecordPlan {
    steps: Vec<Step>,
    /// The record before anything is read.
    blank: Record,
}

impl RecordPlan {
    /// Compiles a plan for the fields of an event or for a storage value.
    ///
    /// # Errors
    /// Names the field that is missing or has another type.
    pub fn compile(
        registry: &Registry,
        skips: &SkipPrograms,
        fields: &[Field],
        reading: &Reading,
    ) -> Result<RecordPlan, String> {
        let names = field_names(registry, fields).map_err(|e| e.to_string())?;
        let older = reading.older.iter().find(|older| older.fields == names);
        let (wanted, defaults) = older.map_or((reading.wanted, &[][..]), |o| (o.wanted, o.defaults));
        let mut builder = Builder { registry, skips, steps: Vec::new(), found: Vec::new() };
        builder.fields(fields, "", wanted, 0)?;
        builder.all_found(wanted)?;
        Ok(RecordPlan { steps: builder.steps, blank: Record::blank(slots(wanted), defaults) })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// Says what the bytes are not.
    pub fn read(
        &self,
        registry: &Registry,
        skips: &SkipPrograms,
        cursor: &mut Cursor<'_>,
    ) -> Result<Record, Wrong> {
        let mut record = Record::default();
        self.read_into(registry, skips, cursor, &mut record)?;
        Ok(record)
    }

    /// Whether the value is nothing but unsigned integers that go into these slots and have these widths.
    pub fn is_numbers(&self, fields: &[(usize, u8)]) -> bool {
        let step = |(step, (slot, width)): (&Step, &(usize, u8))| matches!(step, Step::Unsigned(w, s) if w == width && s == slot);
        self.steps.len() == fields.len() && self.steps.iter().zip(fields).all(step)
    }

    /// Reads a record into the memory of another one.
    ///
    /// # Errors
    /// Says what the bytes are not.
    pub fn read_into(
        &self,
        registry: &Registry,
        skips: &SkipPrograms,
        cursor: &mut Cursor<'_>,
        record: &mut Record,
    ) -> Result<(), Wrong> {
        record.parts.clone_from(&self.blank.parts);
        run(&self.steps, registry, skips, cursor, record)
    }
}

/// Names of the fields of an event or value, looking through structs with one unnamed field; places where fields have
/// no names, nothing for what is no struct.
fn field_names(registry: &Registry, fields: &[Field]) -> Result<Vec<String>, Wrong> {
    let inner = match fields {
        [Field { name: None, ty }] => match registry.unwrapped(*ty)?.1 {
            Type::Composite { fields, .. } => fields,
            _ => return Ok(Vec::new()),
        },
        fields => fields,
    };
    let name = |(place, field): (usize, &Field)| field.name.clone().unwrap_or_else(|| place.to_string());
    Ok(inner.iter().enumerate().map(name).collect())
}

fn slots(wanted: &[Wanted]) -> usize {
    let of = |w: &Wanted| match w.want {
        Want::OneOf(cases) => {
            cases.iter().map(|(_, _, inner)| slots(inner)).max().unwrap_or(0).max(w.slot + 1)
        }
        _ => w.slot + 1,
    };
    wanted.iter().map(of).max().unwrap_or(0)
}

struct Builder<'a> {
    registry: &'a Registry,
    skips: &'a SkipPrograms,
    steps: Vec<Step>,
    found: Vec<&'static str>,
}

impl Builder<'_> {
    fn fields(
        &mut self,
        fields: &[Field],
        path: &str,
        wanted: &'static [Wanted],
        depth: usize,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(Wrong::Depth.to_string());
        }
        if let [Field { name: None, ty }] = fields {
            return self.field(*ty, path, wanted, depth);
        }
        for (place, field) in fields.iter().enumerate() {
            let name = field.name.clone().unwrap_or_else(|| place.to_string());
            let inner = if path.is_empty() { name } else { format!("{path}.{name}") };
            self.field(field.ty, &inner, wanted, depth)?;
        }
        Ok(())
    }

    /// A field at `path`: wanted itself, or with something wanted inside, or skipped.
    fn field(
        &mut self,
        id: TypeId,
        path: &str,
        wanted: &'static [Wanted],
        depth: usize,
    ) -> Result<(), String> {
        if let Some(want) = wanted.iter().find(|w| w.path == path) {
            self.found.push(want.path);
            return self.wanted(id, want);
        }
        let inside = wanted.iter().any(|w| path.is_empty() || w.path.starts_with(&format!("{path}.")));
        if inside && let Type::Composite { fields, .. } = self.registry.get(id).map_err(|e| e.to_string())? {
            let fields = fields.clone();
            return self.fields(&fields, path, wanted, depth + 1);
        }
        self.skip(id);
        Ok(())
    }

    fn skip(&mut self, id: TypeId) {
        match (self.steps.last_mut(), self.skips.fixed(id)) {
            (Some(Step::SkipBytes(n)), Some(more)) => *n = n.saturating_add(more),
            (_, Some(n)) => self.steps.push(Step::SkipBytes(n)),
            (_, None) => self.steps.push(Step::Skip(id)),
        }
    }

    fn wanted(&mut self, id: TypeId, wanted: &Wanted) -> Result<(), String> {
        let (id, ty) = self.registry.unwrapped(id).map_err(|e| e.to_string())?;
        let path = wanted.path;
        let other = |expected: &str| Err(format!("field `{path}` is not {expected}"));
        if let (Want::OptionalBytes, Type::Variant { name, variants }) = (wanted.want, ty) {
            let [none, some] = variants.as_slice() else { return other("an option") };
            let [Field { ty: inner, .. }] = some.fields.as_slice() else { return other("an option") };
            if (name.as_str(), none.name.as_str(), none.fields.len(), some.name.as_str())
                != ("Option", "None", 0, "Some")
            {
                return other("an option");
            }
            let (none, some, slot) = (none.index, some.index, wanted.slot);
            let step = self.bytes(*inner, path, slot)?;
            self.steps.push(Step::Optional { ty: id, none, some, step: Box::new(step) });
            return Ok(());
        }
        let step = match (wanted.want, ty) {
            (Want::Unsigned(width), Type::Primitive(Primitive::Unsigned(found))) if width == *found => {
                Step::Unsigned(width, wanted.slot)
            }
            (Want::Unsigned(width), _) => return other(&format!("a u{}", u32::from(width) * 8)),
            (Want::Bool, Type::Primitive(Primitive::Bool)) => Step::Bool(wanted.slot),
            (Want::Bool, _) => return other("a bool"),
            (Want::Wide, Type::Primitive(Primitive::Unsigned(8))) => Step::Unsigned(8, wanted.slot),
            (Want::Wide, Type::Primitive(Primitive::Unsigned(16))) => Step::Wide(wanted.slot),
            (Want::Wide, _) => return other("a u64 or u128"),
            (Want::Bytes | Want::OptionalBytes, _) => self.bytes(id, path, wanted.slot)?,
            (Want::OneOf(known), Type::Variant { variants, .. }) => {
                let mut cases = Vec::new();
                for variant in variants {
                    let Some((_, code, inner)) = known.iter().find(|(name, _, _)| *name == variant.name)
                    else {
                        return Err(format!("field `{path}` has a variant `{}`", variant.name));
                    };
                    let mut builder = Builder {
                        registry: self.registry,
                        skips: self.skips,
                        steps: Vec::new(),
                        found: Vec::new(),
                    };
                    builder.fields(&variant.fields, "", inner, 0)?;
                    builder
                        .all_found(inner)
                        .map_err(|e| format!("in `{path}`, variant `{}`: {e}", variant.name))?;
                    cases.push((variant.index, *code, builder.steps));
                }
                Step::OneOf { ty: id, slot: wanted.slot, cases }
            }
            (Want::OneOf(_), _) => return other("an enum"),
        };
        self.steps.push(step);
        Ok(())
    }

    fn bytes(&self, id: TypeId, path: &str, slot: usize) -> Result<Step, String> {
        let (_, ty) = self.registry.unwrapped(id).map_err(|e| e.to_string())?;
        match (ty, self.registry.is_bytes(ty).map_err(|e| e.to_string())?) {
            (Type::Sequence(_), true) => Ok(Step::Bytes(slot)),
            (Type::Array(length, _), true) => {
                Ok(Step::FixedBytes(usize::try_from(*length).map_err(|e| e.to_string())?, slot))
            }
            _ => Err(format!("field `{path}` is not a byte string")),
        }
    }

    fn all_found(&self, wanted: &'static [Wanted]) -> Result<(), String> {
        match wanted.iter().find(|w| !self.found.contains(&w.path)) {
            Some(missing) => Err(format!("it has no field `{}`", missing.path)),
            None => Ok(()),
        }
    }
}

fn run(
    steps: &[Step],
    registry: &Registry,
    skips: &SkipPrograms,
    cursor: &mut Cursor<'_>,
    record: &mut Record,
) -> Result<(), Wrong> {
    for step in steps {
        match step {
            Step::SkipBytes(n) => drop(cursor.take(*n)?),
            Step::Skip(id) => skips.skip(registry, *id, cursor)?,
            Step::Unsigned(width, slot) => {
                let bytes = cursor.take(usize::from(*width))?;
                let number = bytes.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
                record.set(*slot, Part::Number(number));
            }
            Step::Wide(slot) => {
                let (low, high) = (cursor.u64()?, cursor.u64()?);
                if high != 0 {
                    return Err(Wrong::TooLarge);
                }
                record.set(*slot, Part::Number(low));
            }
            Step::Bool(slot) => match cursor.u8()? {
                flag @ (0 | 1) => record.set(*slot, Part::Number(u64::from(flag))),
                other => return Err(Wrong::Bool(other)),
            },
            Step::Bytes(slot) => record.set(*slot, Part::Bytes(scale::bytes(cursor)?.to_vec())),
            Step::FixedBytes(n, slot) => record.set(*slot, Part::Bytes(cursor.take(*n)?.to_vec())),
            Step::Optional { ty, none, some, step } => match cursor.u8()? {
                index if index == *some => {
                    run(std::slice::from_ref(step.as_ref()), registry, skips, cursor, record)?;
                }
                index if index == *none => {}
                other => return Err(Wrong::Variant(registry.name(*ty), other)),
            },
            Step::OneOf { ty, slot, cases } => {
                let index = cursor.u8()?;
                let (_, code, inner) = cases
                    .iter()
                    .find(|(i, _, _)| *i == index)
                    .ok_or_else(|| Wrong::Variant(registry.name(*ty), index))?;
                record.set(*slot, Part::Number(*code));
                run(inner, registry, skips, cursor, record)?;
            }
        }
    }
    Ok(())
}
