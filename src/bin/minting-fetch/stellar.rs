//! `minting-fetch stellar`

use std::path::PathBuf;

use clap::Args;
use minting::cli::parse_time;
use minting::fetch::{Error, PaymentsRequest, TFT_ISSUER, check_account, check_horizon, collect};

use crate::terminal::Terminal;

pub const EXAMPLES: &str = "\
Examples:
  minting-fetch stellar --horizon https://horizon.stellar.org --out period-82
  minting-fetch stellar --horizon https://horizon.stellar.org --from 2025-01-01T00:00:00Z --out payments.tfa

The same command again reads only what is new.

Exit codes:
  0    done
  1    failed: the message says what to do
  2    wrong usage
  130  interrupted: what was written is kept, the same command goes on";

#[derive(Debug, Args)]
pub struct StellarArgs {
    /// Address of a Horizon server
    #[arg(long, value_name = "URL", value_parser = parse_horizon)]
    horizon: String,
    /// Folder of an archive, which gets stellar/payments.tfa, or a file; goes on where it ends
    #[arg(long, value_name = "ARCHIVE|FILE")]
    out: PathBuf,
    /// Account that pays; that of the main net unless told otherwise
    #[arg(long, value_name = "ADDRESS", default_value = TFT_ISSUER, value_parser = parse_account)]
    account: String,
    /// Code of the asset
    #[arg(long, value_name = "CODE", default_value = "TFT")]
    asset: String,
    /// Issuer of the asset; that of the main net unless told otherwise
    #[arg(long, value_name = "ADDRESS", default_value = TFT_ISSUER, value_parser = parse_account)]
    issuer: String,
    /// Leave out payments before this time, in RFC 3339 or in unix seconds
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<i64>,
    /// Stop at this time; what comes later is read when the command runs again without it
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    to: Option<i64>,
}

pub async fn stellar(args: &StellarArgs, terminal: &Terminal) -> Result<(), Error> {
    let request = PaymentsRequest {
        horizon: args.horizon.clone(),
        account: args.account.clone(),
        asset: args.asset.clone(),
        issuer: args.issuer.clone(),
        from: args.from,
        to: args.to,
    };
    let collected = collect(&request, &args.out, terminal).await?;
    terminal.clear();
    let until = match (collected.read_until, jiff::Timestamp::from_second(collected.read_until)) {
        (1.., Ok(time)) => format!("read up to {time}"),
        _ => "the account has no operations yet".to_owned(),
    };
    terminal.say(&format!(
        "{} payments are in {}, {} of them new; {until}; content digest {}",
        collected.payments,
        collected.path.display(),
        collected.new,
        hex::encode(collected.content_sha256)
    ));
    Ok(())
}

fn parse_horizon(text: &str) -> Result<String, String> {
    check_horizon(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn parse_account(text: &str) -> Result<String, String> {
    check_account(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}
