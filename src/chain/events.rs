//! Decodes `System.Events` with the plans of the runtime that produced it.

use serde_json::{Map, Value};

use super::{
    Error, Result,
    items::{EVENTS, NRU_FIELDS, NeededEvent, UPTIME_FIELDS},
    metadata::{Metadata, StorageKind},
    quick::{Quick, QuickTable, Taken},
    record::{Record, RecordPlan},
    registry::{Field, Registry, Type, TypeId, Variant},
    scale::{self, Wrong},
    skip::{FixedFields, Route, SkipPrograms},
    types::Event,
    value,
};
use crate::archive::bytes::Cursor;

/// Bytes of a topic, an `H256`.
const TOPIC_LEN: usize = 32;

/// What to do with an event of one kind.
#[derive(Clone, Debug)]
struct EventPlan {
    /// Place of the pallet in the metadata.
    pallet: usize,
    /// Its fields.
    variant: Variant,
    /// How to read it, if the rules need it.
    needed: Option<(&'static NeededEvent, RecordPlan)>,
    /// How to get past it, if they do not.
    route: Route,
}

/// The plans for all events of a runtime.
#[derive(Clone, Debug)]
pub struct EventPlans {
    /// By pallet index, then by event index.
    plans: Vec<Vec<Option<EventPlan>>>,
    /// What the plans say of events that look like most.
    quick: QuickTable,
}

impl EventPlan {
    /// What of it can be told at a glance.
    fn quick(&self) -> Quick {
        match (&self.needed, self.route.fixed()) {
            (Some((needed, reading)), _)
                if needed.event == "NodeUptimeReported" && reading.is_numbers(UPTIME_FIELDS) =>
            {
                Quick::Uptime
            }
            (None, Some(fixed)) if fixed.tags.is_empty() => {
                u16::try_from(fixed.length).map_or(Quick::Planned, Quick::Passed)
            }
            (None, None) => self.route.weighed().map_or(Quick::Planned, Quick::Weighed),
            _ => Quick::Planned,
        }
    }
}

/// What the rules make of the events of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// They are not read.
    None,
    /// They are uptime reports, whose fields are node (4 bytes), time and uptime (8 bytes each).
    Uptime,
    /// They are reports of metered use, whose fields are contract, time, window and traffic (8 bytes each).
    Nru,
    /// They are read.
    Read,
}

/// Where in a block an event came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    ApplyExtrinsic(u32),
    Finalization,
    Initialization,
}

/// What a walk comes by.
enum Visited<'p, 'a> {
    /// An event that the rules read, and that was taken at a glance.
    Event(Event),
    /// The fields of any other one.
    Record { index: u32, phase: Phase, plan: &'p EventPlan, cursor: &'p mut Cursor<'a> },
}

impl EventPlans {
    /// Compiles a plan for every event of the runtime.
    ///
    /// # Errors
    /// A needed event whose fields are not as known; an event record that is not `phase, event, topics`.
    pub fn compile(metadata: &Metadata, skips: &SkipPrograms) -> Result<EventPlans> {
        check_record(metadata)?;
        let mut plans: Vec<Vec<Option<EventPlan>>> = vec![Vec::new(); 256];
        for (place, pallet) in metadata.pallets.iter().enumerate() {
            let Some(events) = pallet.events else { continue };
            let (_, ty) = metadata.registry.unwrapped(events).map_err(|e| Error::Metadata(e.to_string()))?;
            let Type::Variant { variants, .. } = ty else {
                return Err(Error::Metadata(format!("the events of {} are no enum", pallet.name)));
            };
            let mut of_pallet = vec![None; 256];
            for variant in variants {
                let needed = EVENTS.iter().find(|n| n.pallet == pallet.name && n.event == variant.name);
                let needed = needed
                    .map(|needed| {
                        RecordPlan::compile(&metadata.registry, skips, &variant.fields, needed.reading)
                            .map(|plan| (needed, plan))
                            .map_err(|why| Error::Layout {
                                item: format!("event {}.{}", needed.pallet, needed.event),
                                why,
                            })
                    })
                    .transpose()?;
                let route = skips.route(variant.fields.iter().map(|f| f.ty));
                if let Some(slot) = of_pallet.get_mut(usize::from(variant.index)) {
                    *slot = Some(EventPlan { pallet: place, variant: variant.clone(), needed, route });
                }
            }
            if let Some(slot) = plans.get_mut(usize::from(pallet.index)) {
                *slot = of_pallet;
            }
        }
        let mut compiled = EventPlans { plans, quick: QuickTable::default() };
        let of = |pallet, event| compiled.plan(pallet, event).map_or(Quick::Planned, EventPlan::quick);
        compiled.quick = QuickTable::new(of);
        Ok(compiled)
    }

    /// Whether the rules read this event.
    pub fn reads(&self, pallet: u8, event: u8) -> bool {
        self.plan(pallet, event).is_some_and(|plan| plan.needed.is_some())
    }

    fn plan(&self, pallet: u8, event: u8) -> Option<&EventPlan> {
        self.plans.get(usize::from(pallet))?.get(usize::from(event))?.as_ref()
    }

    /// Walks an events value to its last byte and gives the events that the rules read to `sink`, in order. Gives the
    /// number of all events.
    ///
    /// # Errors
    /// [`Error::Event`]: nothing is dropped that does not decode.
    pub fn decode(
        &self,
        metadata: &Metadata,
        skips: &SkipPrograms,
        bytes: &[u8],
        mut sink: impl FnMut(Event),
    ) -> Result<u64> {
        // One record for all events, so that none needs memory of its own.
        let mut record = Record::default();
        self.walk(metadata, bytes, Some(&self.quick), |visited| {
            let (plan, cursor) = match visited {
                Visited::Event(event) => {
                    sink(event);
                    return Ok(());
                }
                Visited::Record { plan, cursor, .. } => (plan, cursor),
            };
            if let Some((needed, reading)) = &plan.needed {
                reading.read_into(&metadata.registry, skips, cursor, &mut record)?;
                if let Some(event) = (needed.make)(&record).ok_or(Wrong::Depth)? {
                    sink(event);
                }
            } else {
                skips.follow(&metadata.registry, &plan.route, cursor)?;
            }
            topics(cursor).map(drop)
        })
    }

    /// What the rules make of the events of a kind; none if the runtime has no such event.
    pub fn interest(&self, pallet: u8, event: u8) -> Option<Interest> {
        let plan = self.plan(pallet, event)?;
        Some(match &plan.needed {
            None => Interest::None,
            Some((needed, reading)) => match needed.event {
                "NodeUptimeReported" if reading.is_numbers(UPTIME_FIELDS) => Interest::Uptime,
                "NruConsumptionReportReceived" if reading.is_numbers(NRU_FIELDS) => Interest::Nru,
                _ => Interest::Read,
            },
        })
    }

    /// Reads the fields of one event to their last byte: what the rules read of it, if they do. `record` is memory that
    /// is used again.
    ///
    /// # Errors
    /// Says what the bytes are not.
    pub fn read_fields(
        &self,
        metadata: &Metadata,
        skips: &SkipPrograms,
        (pallet, event): (u8, u8),
        fields: &[u8],
        record: &mut Record,
    ) -> std::result::Result<Option<Event>, Wrong> {
        let unknown = || Wrong::Variant(format!("pallet {pallet}"), event);
        let plan = self.plan(pallet, event).ok_or_else(unknown)?;
        let mut cursor = Cursor::new(fields);
        let read = match &plan.needed {
            Some((needed, reading)) => {
                reading.read_into(&metadata.registry, skips, &mut cursor, record)?;
                (needed.make)(record).ok_or(Wrong::Depth)?
            }
            None => {
                skips.follow(&metadata.registry, &plan.route, &mut cursor)?;
                None
            }
        };
        match cursor.rest().len() {
            0 => Ok(read),
            left => Err(Wrong::LeftOver(left)),
        }
    }

    /// The fields of the events of a kind, if they always have the same number of bytes.
    pub fn fixed(&self, pallet: u8, event: u8) -> Option<FixedFields<'_>> {
        self.plan(pallet, event)?.route.fixed()
    }

    /// As [`EventPlans::decode`], but gives every event of every pallet as JSON: `index`, `phase`, `pallet`, `event`,
    /// `fields`, `topics`.
    ///
    /// # Errors
    /// [`Error::Event`].
    pub fn to_json(
        &self,
        metadata: &Metadata,
        bytes: &[u8],
        mut sink: impl FnMut(Map<String, Value>),
    ) -> Result<()> {
        self.walk(metadata, bytes, None, |visited| {
            let Visited::Record { index, phase, plan, cursor } = visited else { return Ok(()) };
            let fields = value::decode_fields(&metadata.registry, &plan.variant.fields, cursor)?;
            let topics = topics(cursor)?.chunks(TOPIC_LEN).map(value::hex).collect();
            let mut event = Map::new();
            event.insert("index".into(), index.into());
            event.insert("phase".into(), phase_json(phase));
            event.insert("pallet".into(), pallet_name(metadata, plan).into());
            event.insert("event".into(), plan.variant.name.clone().into());
            event.insert("fields".into(), fields);
            event.insert("topics".into(), Value::Array(topics));
            sink(event);
            Ok(())
        })
        .map(drop)
    }

    /// Calls `visit` at the fields of every event; it reads them and the topics. What `quick` takes is visited only if the
    /// rules read it. Gives the number of events.
    fn walk<'a>(
        &self,
        metadata: &Metadata,
        bytes: &'a [u8],
        quick: Option<&QuickTable>,
        mut visit: impl FnMut(Visited<'_, 'a>) -> std::result::Result<(), Wrong>,
    ) -> Result<u64> {
        let mut cursor = Cursor::new(bytes);
        let error = |index: u32, cursor: &Cursor<'_>, event: String, why: Wrong| Error::Event {
            index,
            offset: cursor.position(),
            event,
            why: why.to_string(),
        };
        let count = scale::length(&mut cursor).map_err(|e| error(0, &cursor, "count of events".into(), e))?;
        for index in (0..).take(count) {
            if let Some(taken) = quick.and_then(|quick| quick.take(&mut cursor)) {
                if let Taken::Read(event) = taken {
                    visit(Visited::Event(event)).map_err(|e| error(index, &cursor, "a report".into(), e))?;
                }
                continue;
            }
            let phase = phase(&mut cursor).map_err(|e| error(index, &cursor, "phase".into(), e))?;
            let [pallet, event] = cursor
                .array()
                .map_err(|e| error(index, &cursor, "pallet and event index".into(), e.into()))?;
            let plan = self.plan(pallet, event).ok_or_else(|| {
                let name = format!("pallet {pallet}, event {event}");
                error(index, &cursor, name, Wrong::Variant("the runtime".into(), event))
            })?;
            visit(Visited::Record { index, phase, plan, cursor: &mut cursor }).map_err(|e| {
                error(index, &cursor, format!("{}.{}", pallet_name(metadata, plan), plan.variant.name), e)
            })?;
        }
        match cursor.rest().len() {
            0 => Ok(u64::try_from(count).unwrap_or(u64::MAX)),
            left => {
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                Err(error(count, &cursor, "end of the value".into(), Wrong::LeftOver(left)))
            }
        }
    }
}

fn pallet_name(metadata: &Metadata, plan: &EventPlan) -> String {
    metadata.pallets.get(plan.pallet).map(|p| p.name.clone()).unwrap_or_default()
}

fn phase(cursor: &mut Cursor<'_>) -> std::result::Result<Phase, Wrong> {
    match cursor.u8()? {
        0 => Ok(Phase::ApplyExtrinsic(cursor.u32()?)),
        1 => Ok(Phase::Finalization),
        2 => Ok(Phase::Initialization),
        other => Err(Wrong::Variant("Phase".into(), other)),
    }
}

fn phase_json(phase: Phase) -> Value {
    match phase {
        Phase::ApplyExtrinsic(n) => {
            Value::Object(Map::from_iter([("apply_extrinsic".to_string(), n.into())]))
        }
        Phase::Finalization => "finalization".into(),
        Phase::Initialization => "initialization".into(),
    }
}

fn topics<'a>(cursor: &mut Cursor<'a>) -> std::result::Result<&'a [u8], Wrong> {
    let count = scale::length(cursor)?;
    Ok(cursor.take(count.checked_mul(TOPIC_LEN).ok_or(Wrong::Length(count))?)?)
}

/// Checks that `System.Events` is a list of `EventRecord { phase, event, topics }` as the walk reads it.
pub(super) fn check_record(metadata: &Metadata) -> Result<()> {
    let unknown = |why: &str| Error::Layout { item: "storage System.Events".into(), why: why.into() };
    let (_, item) =
        metadata.storage("System", "Events").ok_or_else(|| unknown("the runtime has no such item"))?;
    let StorageKind::Plain(id) = item.kind else { return Err(unknown("it is a map")) };
    let registry = &metadata.registry;
    let get = |id: TypeId| registry.unwrapped(id).map(|(_, ty)| ty).map_err(|e| unknown(&e.to_string()));
    let Type::Sequence(record) = get(id)? else { return Err(unknown("it is no list")) };
    let Type::Composite { fields, .. } = get(*record)? else {
        return Err(unknown("its elements are no structs"));
    };
    let names: Vec<_> = fields.iter().map(|f| f.name.as_deref().unwrap_or_default()).collect();
    let [phase, _, topics] = fields.as_slice() else {
        return Err(unknown("its elements have not three fields"));
    };
    if names != ["phase", "event", "topics"] {
        return Err(unknown("the fields of its elements are not phase, event, topics"));
    }
    if !is_phase(registry, phase).map_err(|e| unknown(&e.to_string()))? {
        return Err(unknown("its phase has other variants"));
    }
    if !is_topics(registry, topics).map_err(|e| unknown(&e.to_string()))? {
        return Err(unknown("its topics are no list of 32-byte hashes"));
    }
    Ok(())
}

fn is_phase(registry: &Registry, field: &Field) -> std::result::Result<bool, Wrong> {
    let Type::Variant { variants, .. } = registry.unwrapped(field.ty)?.1 else { return Ok(false) };
    let known: Vec<_> = variants.iter().map(|v| (v.index, v.name.as_str(), v.fields.len())).collect();
    Ok(known == [(0, "ApplyExtrinsic", 1), (1, "Finalization", 0), (2, "Initialization", 0)])
}

fn is_topics(registry: &Registry, field: &Field) -> std::result::Result<bool, Wrong> {
    let Type::Sequence(topic) = registry.unwrapped(field.ty)?.1 else { return Ok(false) };
    let (_, topic) = registry.unwrapped(*topic)?;
    Ok(matches!(topic, Type::Array(32, _)) && registry.is_bytes(topic)?)
}
