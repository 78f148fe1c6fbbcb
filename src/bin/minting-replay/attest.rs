//! `minting-replay attest`

use std::{
    fmt::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use minting::{
    cli::{EXIT_CODES, Exit, escape, json_text, print},
    report::{partial, run::RUN_JSON},
    verify::{
        attestation::{self, Attestation, Count, first_difference},
        keys::{self, Trusted},
        outputs::{self, ATTESTATION_START},
    },
};
use serde_json::{Value, json};

use super::Failure;

const EXAMPLES: &str = "\
Examples:
  openssl genpkey -algorithm ed25519 -out guardian.pem
  openssl pkey -in guardian.pem -pubout >> guardians.pem
  minting-replay attest sign results-81 --key guardian.pem --out alice.json
  minting-replay attest verify alice.json bob.json carol.json --trust guardians.pem --threshold 3";

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct AttestArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Check that results are what their run.json lists, and sign that
    Sign(SignArgs),
    /// Count valid signatures of distinct trusted keys over the same run receipt; exits 4 if they are too few, or if
    /// trusted keys signed different receipts
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
struct SignArgs {
    /// Output folder of a run
    #[arg(value_name = "OUT")]
    results: PathBuf,
    /// Private key of ed25519, PKCS#8 in PEM form, without a passphrase
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the attestation goes [default: <OUT>/attestation-<START OF PUBLIC KEY>.json]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
struct VerifyArgs {
    /// Attestations
    #[arg(required = true, value_name = "FILE")]
    attestations: Vec<PathBuf>,
    /// Public keys in PEM form, one after the other; a line of text before a key is its name
    #[arg(long, required = true, value_name = "KEYS")]
    trust: Vec<PathBuf>,
    /// Valid signatures that are needed
    #[arg(long, value_name = "N", default_value = "5")]
    threshold: NonZeroUsize,
    /// Results of one's own, which have to be those that were signed
    #[arg(long, value_name = "OUT")]
    results: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

pub fn attest(args: &AttestArgs) -> Result<Exit, Failure> {
    match &args.what {
        What::Sign(args) => sign(args),
        What::Verify(args) => verify(args),
    }
}

/// The run receipt of results that are what it lists; problems go to standard error.
fn sound_receipt(folder: &Path) -> Result<Value, Failure> {
    partial::refuse(folder, "it is not signed")?;
    let run = outputs::run_receipt(&folder.join(RUN_JSON))?;
    let problems = outputs::problems(folder, &run)?;
    if problems.is_empty() {
        return Ok(run);
    }
    for problem in &problems {
        eprintln!("problem: {}", escape(problem));
    }
    let shown = escape(&folder.display().to_string());
    Err(format!("`{shown}` is not what its run.json lists; run again into an empty folder").into())
}

fn sign(args: &SignArgs) -> Result<Exit, Failure> {
    let key = keys::private_key(&args.key)?;
    let run = sound_receipt(&args.results)?;
    let level = run.pointer("/trust/level").and_then(Value::as_str).unwrap_or("not recorded").to_owned();
    let status = run.get("status").and_then(Value::as_str).unwrap_or_default();
    if status.starts_with("withheld") {
        return Err("the results are withheld for findings; there is nothing to sign".into());
    }
    if run.get("partial") != Some(&Value::Bool(false)) {
        return Err("the results are preliminary; run the whole period before signing".into());
    }
    let attestation = Attestation::sign(run, &key)?;
    let public = hex::encode(attestation.key.to_bytes());
    let default = || {
        let start: String = public.chars().take(8).collect();
        args.results.join(format!("{ATTESTATION_START}{start}.json"))
    };
    let path = args.out.clone().unwrap_or_else(default);
    minting::archive::files::write(&path, &attestation.to_bytes()?)?;
    let text = format!(
        "Signed the run receipt {}\n  SHA-256 without trust  {}\n  archives reached       {}, which is not signed\n  key                    \
         {public}\n  written to             {}\n",
        attestation.short_digest(),
        hex::encode(attestation.run_sha256),
        escape(&level),
        escape(&path.display().to_string()),
    );
    Ok(print(text.as_bytes()))
}

fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let mut trusted = Trusted::new();
    for file in &args.trust {
        trusted.extend(keys::public_keys(file)?);
    }
    let count = attestation::count(&args.attestations, &trusted);
    let agreed = count.votes.iter().find(|vote| vote.problem.is_none());
    let signed = agreed.and_then(|vote| vote.attestation.as_ref());
    let own = match (&args.results, signed) {
        (Some(folder), Some(signed)) => first_difference(&sound_receipt(folder)?, &signed.run),
        _ => None,
    };
    let reached = count.valid >= args.threshold.get() && count.disagreement.is_none() && own.is_none();
    let text = if args.json {
        let mut value = to_json(&count, &trusted, args.threshold.get(), reached);
        if let Some(fields) = value.as_object_mut() {
            fields.insert(
                "own_difference".into(),
                json!(own.map(|d| json!({ "own": d.first, "place": d.place, "signed": d.second }))),
            );
        }
        json_text(&value)?
    } else {
        let mut text = describe(&count, &trusted, args.threshold.get())?;
        if let Some(own) = own {
            writeln!(
                text,
                "Your own results are not those that were signed: {} is {}, signed was {}",
                escape(&own.place),
                escape(&own.first),
                escape(&own.second)
            )?;
        }
        // What archives show by themselves is not signed.
        writeln!(text, "Reached: {}.", if reached { "signatures" } else { "nothing" })?;
        text
    };
    let printed = print(text.as_bytes());
    Ok(if reached { printed } else { Exit::Differs })
}

fn describe(count: &Count, trusted: &Trusted, threshold: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for vote in &count.votes {
        let file = escape(&vote.file.display().to_string());
        let who = vote.attestation.as_ref().map(|a| {
            let key = a.key.to_bytes();
            let name = trusted.get(&key).map(String::as_str).unwrap_or_default();
            format!(" {} {}", hex::encode(key), escape(name))
        });
        let who = who.unwrap_or_default();
        let who = who.trim_end();
        match (&vote.problem, &vote.attestation) {
            (Some(problem), _) => writeln!(text, "does not count  {file}{who}: {}", escape(problem))?,
            (None, Some(a)) => writeln!(text, "valid           {file}{who}, receipt {}", a.short_digest())?,
            (None, None) => {}
        }
    }
    if let Some((first, second, difference)) = &count.disagreement {
        writeln!(
            text,
            "Trusted keys signed different receipts. They first differ at {}:",
            escape(&difference.place)
        )?;
        for (file, value) in [(first, &difference.first), (second, &difference.second)] {
            writeln!(text, "  {}  {}", escape(&file.display().to_string()), escape(value))?;
        }
    }
    let short = count.votes.iter().find(|vote| vote.problem.is_none());
    let short = short.and_then(|vote| vote.attestation.as_ref()).map(Attestation::short_digest);
    let over = short.map(|short| format!(" over receipt {short}")).unwrap_or_default();
    writeln!(text, "{} of {threshold} signatures{over}", count.valid)?;
    Ok(text)
}

fn to_json(count: &Count, trusted: &Trusted, threshold: usize, reached: bool) -> Value {
    let votes = count.votes.iter().map(|vote| {
        let attestation = vote.attestation.as_ref();
        let key = attestation.map(|a| a.key.to_bytes());
        json!({
            "counts": vote.problem.is_none(),
            "file": vote.file.display().to_string(),
            "key": key.map(hex::encode),
            "name": key.and_then(|key| trusted.get(&key)),
            "problem": vote.problem,
            "run_sha256": attestation.map(|a| hex::encode(a.run_sha256)),
            "short_digest": attestation.map(Attestation::short_digest),
        })
    });
    json!({
        "attestations": votes.collect::<Vec<_>>(),
        "disagreement": count.disagreement.as_ref().map(|(first, second, difference)| json!({
            "first": { "file": first.display().to_string(), "value": difference.first },
            "place": difference.place,
            "second": { "file": second.display().to_string(), "value": difference.second },
        })),
        "reached": reached,
        "threshold": threshold,
        "valid": count.valid,
    })
}
