//! The driver finds what it is there for. In a process of its own, since it measures the memory of all of it.

#![allow(clippy::unwrap_used, reason = "tests may fail")]

use minting_fuzz::{
    run::{Until, run},
    targets::Target,
};

#[test]
fn a_reader_that_fails_is_found() {
    let fails = |reader: fn(&[u8]) -> String| {
        let target = Target { name: "bad", run: reader };
        run(&target, &[vec![0; 64]], Until::Runs(20_000), 1).unwrap_err().what
    };
    let panics = fails(|bytes| {
        assert_ne!(bytes.first(), Some(&7));
        String::new()
    });
    assert_eq!(panics, "it panicked");
    let greedy = fails(|bytes| {
        let length = u32::from_le_bytes(bytes.get(..4).and_then(|b| b.try_into().ok()).unwrap_or_default());
        Vec::<u8>::with_capacity(usize::try_from(length & 0xfff_ffff).unwrap()).capacity().to_string()
    });
    assert!(greedy.contains("bytes of memory"), "{greedy}");
}
