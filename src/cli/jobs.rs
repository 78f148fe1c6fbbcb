//! How many threads a person asks for.

use std::num::NonZeroUsize;

/// Most threads that are started; a number beyond is a slip of the hand, and would bring the computer down.
const MOST: usize = 1_024;

/// A number of threads.
///
/// # Errors
/// Says which numbers can be given.
pub fn parse_jobs(text: &str) -> Result<NonZeroUsize, String> {
    let jobs = text.parse().ok().and_then(NonZeroUsize::new).filter(|jobs| jobs.get() <= MOST);
    jobs.ok_or_else(|| format!("give a number of threads from 1 to {MOST}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sensible_number_of_threads_is_started() {
        assert_eq!(parse_jobs("1").map(usize::from), Ok(1));
        assert_eq!(parse_jobs("1024").map(usize::from), Ok(1_024));
        for bad in ["0", "1025", "1000000", "-1", "many", ""] {
            assert!(parse_jobs(bad).is_err(), "{bad}");
        }
    }
}
