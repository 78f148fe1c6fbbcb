//! What a run stands on: archives, a saved state to go on from, how far they reach, and how far they can be trusted.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use minting::{
    cli::{error_chain, escape},
    minting::{Period, Rules},
    replay::{
        Error, Folds, Located, Request, SavedState, Source, fold, locate, locate_partial, locate_so_far,
    },
    report::trust::Trust,
    verify::{
        finality::Pinned,
        reached::{Refused, reached, refuse_unsigned},
    },
};

use super::{Failure, INTERRUPTED, args::RunArgs, progress::Bar};

/// Archives, and where a period lies in them.
pub struct Ground {
    pub source: Source,
    /// The saved state to go on from.
    pub from: Option<SavedState>,
    pub located: Located,
    /// Whether the archives reach far enough for results.
    pub has_results: bool,
    /// Validators whose signatures are asked for.
    pinned: Option<Pinned>,
}

impl Ground {
    /// Opens the archives and the saved state.
    pub fn of(args: &RunArgs, period: &Period, rules: &Rules) -> Result<Ground, Failure> {
        let pinned = args.authorities.as_deref().map(Pinned::read).transpose()?;
        let source = Source::open(&args.archives)?;
        let from = args.load_state.as_deref().map(|file| load(file, &source, period, rules)).transpose()?;
        let (located, has_results) = place(args, &source, period, rules, from.as_ref())?;
        if located.baseline_first < located.first_block.min(source.first()) && from.is_none() {
            let before = source.first().min(located.first_block).saturating_sub(1);
            eprintln!(
                "warning: these rules count use from the last report before the period on, and the archives lack blocks {} to \
                 {before}: use before the first report in the period is not counted; export them with `minting-fetch blocks`",
                located.baseline_first
            );
        }
        if located.first_assumed {
            eprintln!(
                "warning: block {} is the first one of the archives; that the block before it does not belong to the period is \
                 taken from the pace of the blocks",
                located.first_block
            );
        }
        refuse_unsigned(&source, &located, pinned.as_ref())?;
        Ok(Ground { source, from, located, has_results, pinned })
    }

    /// Folds the blocks and, side by side with that, verifies what the archives prove. Only if it is true is the state after
    /// the last block saved, if that is asked for.
    pub fn fold_and_verify<'a>(
        &'a self,
        args: &RunArgs,
        period: &'a Period,
        rules: &'a Rules,
        quiet: bool,
    ) -> Result<(Folds<'a>, Trust), Failure> {
        // Nobody waits for proofs once there is nothing to be vouched for.
        let is_in_vain = AtomicBool::new(false);
        let stop = || is_in_vain.load(Ordering::Relaxed) || INTERRUPTED.load(Ordering::Relaxed);
        let (folds, trust) = rayon::join(
            || {
                let folds = self.fold(period, rules, quiet);
                is_in_vain.store(folds.is_err(), Ordering::Relaxed);
                folds
            },
            || {
                let Ground { source, located, from, pinned, .. } = self;
                let is_whole = self.has_results && located.known_until.is_none();
                reached(source, located, is_whole, from.as_ref(), pinned.as_ref(), &stop)
            },
        );
        let folds = folds?;
        let trust = trust.inspect_err(|refused| {
            if let Refused::Problems(problems) = refused {
                problems.iter().for_each(|problem| eprintln!("problem: {}", escape(&error_chain(problem))));
            }
        })?;
        if let Some(file) = &args.save_state {
            folds.save()?.write(file)?;
        }
        Ok((folds, trust))
    }

    /// Folds the blocks.
    pub fn fold<'a>(
        &'a self,
        period: &'a Period,
        rules: &'a Rules,
        quiet: bool,
    ) -> Result<Folds<'a>, Failure> {
        let Located { fold_from, window_last, .. } = self.located;
        let blocks = u64::from(window_last).saturating_add(1).saturating_sub(fold_from.into());
        let bar = Bar::new(blocks, quiet);
        let request = Request {
            source: &self.source,
            period,
            rules,
            located: self.located,
            from: self.from.as_ref(),
            interrupted: &INTERRUPTED,
        };
        let folds = fold(&request, &bar)?;
        drop(bar);
        Ok(folds)
    }
}

/// Refuses, before a long run, to write a state where it cannot be.
pub fn refuse_place(args: &RunArgs) -> Result<(), Failure> {
    let Some(file) = args.save_state.as_deref() else { return Ok(()) };
    let shown = escape(&file.display().to_string());
    if file.exists() && !args.overwrite {
        return Err(
            format!("`{shown}` is there already; choose another --save-state, or give --overwrite").into()
        );
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if file.is_dir() || !folder.is_dir() {
        return Err(format!(
            "`{shown}` cannot be written: --save-state names a file in a folder that is there"
        )
        .into());
    }
    Ok(())
}

fn load(file: &Path, source: &Source, period: &Period, rules: &Rules) -> Result<SavedState, Failure> {
    let saved = SavedState::read(file)?;
    saved.fits(source, period, rules).map_err(|what| format!("`{}`: {what}", file.display()))?;
    Ok(saved)
}

/// Where the period lies, and whether that is enough for results: a state can be saved after any block.
fn place(
    args: &RunArgs,
    source: &Source,
    period: &Period,
    rules: &Rules,
    from: Option<&SavedState>,
) -> Result<(Located, bool), Failure> {
    if args.partial {
        return Ok((locate_partial(source, period, rules, from)?, true));
    }
    match locate(source, period, rules, from) {
        Err(Error::NotCovered { ends_early: true, .. }) if args.save_state.is_some() => {
            Ok((locate_so_far(source, period, rules, from)?, false))
        }
        located => Ok((located?, true)),
    }
}
