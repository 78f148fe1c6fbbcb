//! Searches along the chain: from a time to a height, and for the heights at which the runtime changes.

/// The first block above `low` whose time is after `t`, or none when even `head` is not.
///
/// `t` is in seconds since the epoch; `time_ms` gives the time of a block in milliseconds. The reference
/// implementation drops the milliseconds before it compares, so a block half a second after `t` is at `t`,
/// and not after it. Times ascend along a chain; gaps between them do not matter. The time of `low` must
/// not be after `t`.
pub(super) async fn first_after<E>(
    t: i64,
    low: u32,
    head: u32,
    time_ms: impl AsyncFn(u32) -> Result<u64, E>,
) -> Result<Option<u32>, E> {
    if !is_after(time_ms(head).await?, t) {
        return Ok(None);
    }
    let (mut not_after, mut after) = (low, head);
    while after - not_after > 1 {
        let middle = not_after + (after - not_after) / 2;
        if is_after(time_ms(middle).await?, t) {
            after = middle;
        } else {
            not_after = middle;
        }
    }
    Ok(Some(after))
}

fn is_after(time_ms: u64, t: i64) -> bool {
    i128::from(time_ms / 1000) > i128::from(t)
}

/// The heights from `first` to `last` at which the state has another version than the one before, with that
/// version; `first` itself is always named.
///
/// Spec versions only grow, because the runtime refuses to set code with a lower one. So equal versions at
/// both ends of a stretch mean that nothing changed within it, and most of a chain is never asked about.
pub(super) async fn changes<V: Copy + PartialEq, E>(
    first: u32,
    last: u32,
    version: impl AsyncFn(u32) -> Result<V, E>,
) -> Result<Vec<(u32, V)>, E> {
    let version_first = version(first).await?;
    let mut found = vec![(first, version_first)];
    if last <= first {
        return Ok(found);
    }
    let mut stretches = vec![(first, version_first, last, version(last).await?)];
    while let Some((low, version_low, high, version_high)) = stretches.pop() {
        if version_low == version_high {
            continue;
        }
        if high - low == 1 {
            found.push((high, version_high));
            continue;
        }
        let middle = low + (high - low) / 2;
        let version_middle = version(middle).await?;
        // The lower half is on top of the stack, so that changes are found in ascending order.
        stretches.push((middle, version_middle, high, version_high));
        stretches.push((low, version_low, middle, version_middle));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn first_after_in(times_ms: &[u64], t: i64) -> Option<u32> {
        let head = u32::try_from(times_ms.len() - 1).unwrap();
        let time_ms = async |height: u32| Ok::<_, Infallible>(times_ms[height as usize]);
        block_on(first_after(t, 0, head, time_ms)).unwrap()
    }

    #[test]
    fn a_block_exactly_at_the_boundary_is_before_it() {
        let times = [0, 6_000, 12_000, 18_000, 24_000];
        assert_eq!(first_after_in(&times, 11), Some(2));
        assert_eq!(first_after_in(&times, 12), Some(3));
        assert_eq!(first_after_in(&times, 13), Some(3));
        assert_eq!(first_after_in(&times, 0), Some(1));
        assert_eq!(first_after_in(&times, 23), Some(4));
        assert_eq!(first_after_in(&times, 24), None);
    }

    #[test]
    fn milliseconds_do_not_count() {
        let times = [0, 6_999, 12_001, 18_500];
        assert_eq!(first_after_in(&times, 6), Some(2));
        assert_eq!(first_after_in(&times, 12), Some(3));
        assert_eq!(first_after_in(&times, 18), None);
    }

    #[test]
    fn gaps_of_any_size_do_not_matter() {
        let mut time = 1_000_000_000_000_u64;
        let mut times = vec![0];
        for i in 0..500_u64 {
            time += if i % 97 == 0 { 9_000_000 } else { 6_000 + i * 7 % 5_000 };
            times.push(time);
        }
        for t in (1_000_000_000_i64 - 10..i64::try_from(time / 1000).unwrap() + 10).step_by(13) {
            let walked = times.iter().position(|ms| i64::try_from(ms / 1000).unwrap() > t);
            assert_eq!(first_after_in(&times, t), walked.map(|i| u32::try_from(i).unwrap()), "{t}");
        }
    }

    #[test]
    fn both_upgrades_are_found_with_few_questions() {
        let asked = Cell::new(0);
        let version = async |height: u32| {
            asked.set(asked.get() + 1);
            Ok::<_, Infallible>(match height {
                0..=123_455 => 145_u32,
                123_456 => 146,
                _ => 147,
            })
        };
        let found = block_on(changes(1_000, 438_480, version)).unwrap();
        assert_eq!(found, [(1_000, 145), (123_456, 146), (123_457, 147)]);
        assert!(asked.get() < 45, "{}", asked.get());
    }

    #[test]
    fn a_range_of_one_block_has_one_version() {
        let version = async |height: u32| Ok::<_, Infallible>(height);
        assert_eq!(block_on(changes(7, 7, version)).unwrap(), [(7, 7)]);
        assert_eq!(block_on(changes(7, 8, version)).unwrap(), [(7, 7), (8, 8)]);
    }
}
