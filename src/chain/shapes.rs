//! How the events of a runtime are laid out, for columns of an archive: from metadata alone, whether or not the rules
//! know the runtime.

use std::sync::Arc;

use super::{
    MAX_DEPTH,
    events::check_record,
    metadata::Metadata,
    registry::{Registry, Type, TypeId},
    skip::SkipPrograms,
};
use crate::archive::{EventShapes, bytes::Cursor};

/// Most types that are looked at for the fields of one event; real ones need less than 100.
const MAX_STEPS: usize = 4_096;
/// Longest list of fields and of bytes in a field.
const MAX_FIELDS: usize = 254;

/// An event.
#[derive(Debug)]
struct Shape {
    /// Types of its fields.
    fields: Vec<TypeId>,
    /// Lengths of what they are made of, if these are always the same.
    widths: Option<Vec<u8>>,
}

/// The events of a runtime.
#[derive(Debug)]
struct Shapes {
    registry: Registry,
    skips: SkipPrograms,
    /// By pallet index, then by event index.
    events: Vec<Vec<Option<Shape>>>,
}

/// How the events of the runtime with this raw metadata are laid out; none if it cannot be read.
pub fn event_shapes(metadata: &[u8]) -> Option<Arc<dyn EventShapes>> {
    let metadata = Metadata::read(metadata).ok()?;
    check_record(&metadata).ok()?;
    let skips = SkipPrograms::compile(&metadata.registry).ok()?;
    let mut events: Vec<Vec<Option<Shape>>> = Vec::new();
    events.resize_with(256, Vec::new);
    for pallet in &metadata.pallets {
        let Some(enumeration) = pallet.events else { continue };
        let Type::Variant { variants, .. } = metadata.registry.unwrapped(enumeration).ok()?.1 else {
            return None;
        };
        let of_pallet = events.get_mut(usize::from(pallet.index))?;
        of_pallet.resize_with(256, || None);
        for variant in variants {
            let fields: Vec<TypeId> = variant.fields.iter().map(|f| f.ty).collect();
            let mut widths = Vec::new();
            let mut steps = 0;
            let fixed = fields
                .iter()
                .all(|id| put_widths(&metadata.registry, *id, 0, &mut steps, &mut widths).is_some());
            *of_pallet.get_mut(usize::from(variant.index))? =
                Some(Shape { fields, widths: fixed.then_some(widths) });
        }
    }
    Some(Arc::new(Shapes { registry: metadata.registry, skips, events }))
}

impl Shapes {
    fn shape(&self, pallet: u8, event: u8) -> Option<&Shape> {
        self.events.get(usize::from(pallet))?.get(usize::from(event))?.as_ref()
    }
}

impl EventShapes for Shapes {
    fn widths(&self, pallet: u8, event: u8) -> Option<&[u8]> {
        self.shape(pallet, event)?.widths.as_deref()
    }

    fn length(&self, pallet: u8, event: u8, bytes: &[u8]) -> Option<usize> {
        let mut cursor = Cursor::new(bytes);
        for field in &self.shape(pallet, event)?.fields {
            self.skips.skip(&self.registry, *field, &mut cursor).ok()?;
        }
        Some(cursor.position())
    }
}

/// Appends the lengths of what a value of a type is made of: numbers, byte arrays, enums whose variants have no fields.
/// None if a value can have different lengths.
fn put_widths(
    registry: &Registry,
    id: TypeId,
    depth: usize,
    steps: &mut usize,
    widths: &mut Vec<u8>,
) -> Option<()> {
    *steps += 1;
    if depth > MAX_DEPTH || *steps > MAX_STEPS || widths.len() > MAX_FIELDS {
        return None;
    }
    match registry.get(id).ok()? {
        Type::Primitive(primitive) => widths.push(u8::try_from(primitive.width()?).ok()?),
        Type::Variant { variants, .. } if variants.iter().all(|v| v.fields.is_empty()) => widths.push(1),
        ty @ Type::Array(length, _) if registry.is_bytes(ty).ok()? => match u8::try_from(*length).ok()? {
            0 => {}
            length => widths.push(length),
        },
        Type::Array(length, element) => {
            for _ in 0..*length {
                put_widths(registry, *element, depth + 1, steps, widths)?;
            }
        }
        Type::Composite { fields, .. } => {
            for field in fields {
                put_widths(registry, field.ty, depth + 1, steps, widths)?;
            }
        }
        Type::Tuple(parts) => {
            for part in parts {
                put_widths(registry, *part, depth + 1, steps, widths)?;
            }
        }
        Type::Variant { .. } | Type::Sequence(_) | Type::Compact(_) | Type::BitSequence(_) => return None,
    }
    Some(())
}
