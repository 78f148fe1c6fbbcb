//! Writes `docs/coverage.md`: which layout each runtime gives each event and storage item that the rules read.
//!
//! `cargo run --example coverage -- <FOLDER OF METADATA BLOBS>`; the blobs are named `<spec>-<network>….scale`.

use std::{
    collections::BTreeMap,
    error::Error,
    ffi::OsStr,
    fs,
    io::{self, Write},
    path::PathBuf,
};

use minting::chain::Runtime;
use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or("give a folder of metadata blobs")?;
    let mut blobs = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("scale")) {
            blobs.push(path);
        }
    }
    blobs.sort();
    let mut table = Table::default();
    for path in blobs {
        let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default().to_string();
        match Runtime::compile(&fs::read(&path)?) {
            Ok(runtime) => table.add(name, &runtime.layouts()?),
            Err(error) => table.refused.push((name, error.to_string())),
        }
    }
    table.write(&mut io::stdout().lock())?;
    Ok(())
}

#[derive(Default)]
struct Table {
    /// Items in the order in which they were first seen, with their layouts in that order.
    items: Vec<(String, Vec<String>)>,
    /// By blob: cell by item.
    rows: Vec<(String, BTreeMap<String, String>)>,
    /// Blobs that are not read, and why.
    refused: Vec<(String, String)>,
}

impl Table {
    fn add(&mut self, name: String, lines: &[Map<String, Value>]) {
        let mut row = BTreeMap::new();
        for line in lines {
            let text = |key: &str| line.get(key).map(Value::to_string);
            let Some(item) = line.get("item").and_then(Value::as_str) else { continue };
            let layout =
                ["layout", "hashers", "key", "value"].into_iter().filter_map(text).collect::<Vec<_>>();
            let number = self.number(item, layout.join(" "));
            let cell = match (text("pallet_index"), text("index")) {
                (Some(pallet), Some(index)) => format!("{number} ({pallet}.{index})"),
                _ => number.to_string(),
            };
            row.insert(item.to_string(), cell);
        }
        self.rows.push((name, row));
    }

    /// Number of a layout of an item, from 1.
    fn number(&mut self, item: &str, layout: String) -> usize {
        let place = self.items.iter().position(|(name, _)| name == item).unwrap_or_else(|| {
            self.items.push((item.to_string(), Vec::new()));
            self.items.len().saturating_sub(1)
        });
        let Some((_, layouts)) = self.items.get_mut(place) else { return 0 };
        let number = layouts.iter().position(|known| *known == layout).unwrap_or_else(|| {
            layouts.push(layout);
            layouts.len().saturating_sub(1)
        });
        number.saturating_add(1)
    }

    fn write(mut self, out: &mut impl Write) -> io::Result<()> {
        self.items.sort();
        writeln!(out, "# What every runtime has of what the rules read\n")?;
        writeln!(
            out,
            "Written by `make coverage`. A row is a runtime: spec version and network, or where it was found."
        )?;
        writeln!(
            out,
            "A cell is the number of the item's layout, in the order in which layouts appeared, names included;"
        )?;
        writeln!(
            out,
            "for events with `(pallet index.event index)`. An empty cell is an item that the runtime does not"
        )?;
        writeln!(out, "have; `runtimes.md` says what then counts.\n")?;
        for kind in ["event", "storage"] {
            let items: Vec<_> =
                self.items.iter().filter_map(|(name, _)| name.strip_prefix(kind)).map(str::trim).collect();
            let short = |item: &&str| item.split_once('.').map_or(*item, |(_, name)| name).to_string();
            writeln!(out, "## {}\n", if kind == "event" { "Events" } else { "Storage" })?;
            writeln!(out, "| runtime | {} |", items.iter().map(short).collect::<Vec<_>>().join(" | "))?;
            writeln!(out, "| --- |{}", " --- |".repeat(items.len()))?;
            for (name, row) in &self.rows {
                let cell = |item: &&str| row.get(&format!("{kind} {item}")).cloned().unwrap_or_default();
                writeln!(out, "| {name} | {} |", items.iter().map(cell).collect::<Vec<_>>().join(" | "))?;
            }
            writeln!(out)?;
        }
        writeln!(out, "## Not read\n")?;
        for (name, why) in &self.refused {
            writeln!(out, "- {name}: {why}")?;
        }
        Ok(())
    }
}
