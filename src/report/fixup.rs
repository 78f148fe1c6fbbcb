//! The files of a correction: `fixup.csv`, payouts of what is missing, fix-up receipts.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use super::{
    addresses::is_payable,
    csv::{TftAmount, memo_of, sum_tft, write_carbon},
};
use crate::{
    archive::header::blake2_256,
    cli::date,
    minting::{FixupForm, FixupReceipt, Receipt, Rules, Sealed, fix_up},
};

/// Receipts of a period, by the hash that is their file name.
pub type Receipts = BTreeMap<[u8; 32], Receipt>;

/// Why no correction can be made.
#[derive(Debug, thiserror::Error)]
pub enum FixupError {
    /// A node has no minted receipt.
    #[error(
        "node {0} has no receipt among the minted ones; --minted takes the output folder of the run that was wrong"
    )]
    NotMinted(u32),
    /// A node has more than one receipt.
    #[error(
        "node {node} has two {which} receipts, {}.. and {}..; keep the one that counts",
        hex::encode(first),
        hex::encode(second)
    )]
    Twice {
        /// The node.
        node: u32,
        /// `minted` or `correct`.
        which: &'static str,
        /// Hash of one receipt.
        first: [u8; 32],
        /// Hash of the other.
        second: [u8; 32],
    },
}

/// A correction.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The fix-up of every node with a correct receipt, by node.
    pub fixups: Vec<Sealed<FixupReceipt>>,
    /// Hashes of the correct receipts.
    pub correct: Vec<[u8; 32]>,
}

impl Correction {
    /// Compares what was minted with what is correct.
    ///
    /// # Errors
    /// If a node was not minted, or has two receipts of one kind.
    pub fn new(minted: &Receipts, correct: &Receipts, rules: &Rules) -> Result<Self, FixupError> {
        let minted = by_node(minted_alone(minted, correct), "minted")?;
        let mut fixups = Vec::new();
        for (node, (_, receipt)) in by_node(correct.iter(), "correct")? {
            let (minted_hash, minted) = minted.get(&node).ok_or(FixupError::NotMinted(node))?;
            fixups.push(fix_up(minted, *minted_hash, &Sealed::new(receipt.clone()), rules));
        }
        Ok(Self { fixups, correct: correct.keys().copied().collect() })
    }

    /// What is still to be paid, ten-millionths of a TFT.
    pub fn tft(&self) -> u64 {
        sum_tft(self.fixups.iter().map(|fixup| fixup.receipt.fixup_reward))
    }

    /// Addresses that are no Stellar addresses although something is still to be paid to them, by farm.
    pub fn invalid_addresses(&self) -> BTreeMap<u32, String> {
        let payouts =
            self.fixups.iter().map(|fixup| &fixup.receipt).filter(|fixup| fixup.fixup_reward.tft != 0);
        payouts
            .map(|fixup| (fixup.farm_id, &fixup.stellar_payout_address))
            .filter(|(_, address)| !address.is_empty() && !is_payable(address))
            .map(|(farm, address)| (farm, address.clone()))
            .collect()
    }

    /// Name and bytes of every file, `folder` being that of the period; payouts to invalid addresses are left out of
    /// `payouts.csv` if that is asked for.
    ///
    /// # Errors
    /// Only if writing to memory fails.
    pub fn files(
        &self,
        folder: &str,
        rules: &Rules,
        withhold_invalid_addresses: bool,
    ) -> io::Result<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        let mut payouts = Vec::new();
        self.write_payouts(&mut payouts, rules, withhold_invalid_addresses)?;
        files.insert("payouts.csv".to_owned(), payouts);
        let mut table = Vec::new();
        self.write_table(&mut table, rules.fixup_form)?;
        let name = if rules.fixup_form == FixupForm::Period46 { "overview.csv" } else { "fixup.csv" };
        files.insert(name.to_owned(), table);
        if rules.fixup_form == FixupForm::Period60 {
            // These corrections opened the file, and had no retries to write.
            files.insert("retries.csv".to_owned(), Vec::new());
        }
        for fixup in &self.fixups {
            files.insert(format!("receipts/fixed/{folder}/{}", fixup.hash_hex()), fixup.bytes.clone());
        }
        Ok(files)
    }

    fn write_payouts(&self, out: &mut impl Write, rules: &Rules, withhold: bool) -> io::Result<()> {
        for fixup in &self.fixups {
            let FixupReceipt { stellar_payout_address: address, fixup_reward, .. } = &fixup.receipt;
            if !address.is_empty() && fixup_reward.tft != 0 && (!withhold || is_payable(address)) {
                writeln!(out, "{address},{},{}", TftAmount(fixup_reward.tft), fixup.hash_hex())?;
            }
        }
        if rules.carbon.is_none() {
            return Ok(());
        }
        let tft = sum_tft(self.fixups.iter().filter_map(|fixup| fixup.receipt.fixup_carbon_offset));
        write_carbon(out, tft, self.carbon_memo(rules))
    }

    /// The memo of the carbon line.
    fn carbon_memo(&self, rules: &Rules) -> [u8; 32] {
        if rules.fixup_form != FixupForm::Period46 {
            return memo_of(self.correct.iter().copied());
        }
        let mut hashes: Vec<[u8; 32]> = self.fixups.iter().map(|fixup| fixup.hash).collect();
        if !rules.bugs.carbon_memo_of_hex {
            return memo_of(hashes.into_iter());
        }
        hashes.sort_unstable();
        blake2_256(&[hex::encode(hashes.concat()).as_bytes()])
    }

    fn write_table(&self, out: &mut impl Write, form: FixupForm) -> io::Result<()> {
        let uptimes = form == FixupForm::Period73;
        let (blank, titles) = if uptimes { ("", "minted uptime,correct uptime,") } else { (" ", "") };
        writeln!(
            out,
            "node id,farm id,period start,{blank}period end,{titles}previous cu,previous su,previous nu,\
             actual cu,actual su,actual nu,missing cu,missing su,missing nu,minted tft,actual tft,missing tft,\
             minted carbon tft,actual carbon tft,missing carbon tft,minted receipt"
        )?;
        for fixup in self.fixups.iter().map(|fixup| &fixup.receipt) {
            write!(out, "{},{},", fixup.node_id, fixup.farm_id)?;
            write!(out, "{},{},", date(fixup.period.start), date(fixup.period.end))?;
            if let (Some(minted), Some(correct)) = (fixup.minted_uptime, fixup.correct_uptime) {
                write!(out, "{minted},{correct},")?;
            }
            for units in [fixup.minted_cloud_units, fixup.correct_cloud_units, fixup.fixup_cloud_units] {
                write!(out, "{},{},{},", units.cu, units.su, units.nu)?;
            }
            for reward in [fixup.minted_reward, fixup.correct_reward, fixup.fixup_reward] {
                write!(out, "{},", TftAmount(reward.tft))?;
            }
            let offsets =
                [fixup.minted_carbon_offset, fixup.correct_carbon_offset, fixup.fixup_carbon_offset];
            for offset in offsets {
                write!(out, "{},", TftAmount(offset.unwrap_or_default().tft))?;
            }
            writeln!(out, "{}", fixup.minted_receipt)?;
        }
        Ok(())
    }
}

/// What was minted. Published folders of a corrected period hold the correct receipts beside what was minted, so a
/// correct one does not count for a node that has another.
fn minted_alone<'a>(
    minted: &'a Receipts,
    correct: &'a Receipts,
) -> impl Iterator<Item = (&'a [u8; 32], &'a Receipt)> {
    let others: BTreeSet<u32> = minted
        .iter()
        .filter(|(hash, _)| !correct.contains_key(*hash))
        .map(|(_, receipt)| receipt.node_id)
        .collect();
    minted
        .iter()
        .filter(move |(hash, receipt)| !(correct.contains_key(*hash) && others.contains(&receipt.node_id)))
}

/// The one receipt of every node, with its hash.
fn by_node<'a>(
    receipts: impl Iterator<Item = (&'a [u8; 32], &'a Receipt)>,
    which: &'static str,
) -> Result<BTreeMap<u32, ([u8; 32], &'a Receipt)>, FixupError> {
    let mut nodes = BTreeMap::new();
    for (hash, receipt) in receipts {
        if let Some((first, _)) = nodes.insert(receipt.node_id, (*hash, receipt)) {
            return Err(FixupError::Twice { node: receipt.node_id, which, first, second: *hash });
        }
    }
    Ok(nodes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::minting::{BugMode, Reward};

    const RECEIPT: &[u8] = br#"{"period":{"start":1735602280,"end":1738233160},"node_id":1,"twin_id":2,"farm_id":3,"farm_name":"example","stellar_payout_address":"GONE","measured_uptime":2630880,"tft_connection_price":80,"cloud_units":{"cu":8.5,"su":1.6,"nu":0.0},"resource_units":{"cru":8.0,"mru":33.0,"hru":0.0,"sru":400.0},"resource_utilization":{"cru":0.0,"mru":0.0,"hru":0.0,"sru":0.0,"ip":0.0},"reward":{"musd":20800,"tft":2600000000},"carbon_offset":{"musd":8,"tft":1000000},"node_type":"DIY"}"#;

    /// Node 1 was minted with 60 TFT and 0.04 TFT of carbon offset; 260 and 0.1 are right.
    fn correction(rules: &Rules) -> Correction {
        let correct = Receipt::parse(RECEIPT).unwrap();
        let mut minted = correct.clone();
        minted.reward.tft = 600_000_000;
        minted.carbon_offset = Some(Reward { musd: 3, tft: 400_000 });
        let named = |receipt: Receipt| Receipts::from([(receipt.hash(), receipt)]);
        Correction::new(&named(minted), &named(correct), rules).unwrap()
    }

    /// B10: the fix-up of period 46 hashed the hex digits of the hashes of fix-ups; others hash the bytes of the
    /// hashes of the correct receipts.
    #[test]
    fn b10_carbon_memo_of_hex() {
        let rules = |name| Rules::named(name).unwrap();
        let memo = |rules: &Rules| (correction(rules).carbon_memo(rules), correction(rules).fixups[0].hash);
        let (memo_of_hex, hash) = memo(&rules("r46-fix"));
        assert_eq!(memo_of_hex, blake2_256(&[hex::encode(hash).as_bytes()]));
        let (memo_of_bytes, hash) = memo(&rules("r46-fix").with_bugs(BugMode::Fixed));
        assert_eq!(memo_of_bytes, blake2_256(&[&hash]));
        let (memo_of_correct, _) = memo(&rules("r61-fix"));
        assert_eq!(memo_of_correct, blake2_256(&[&Receipt::parse(RECEIPT).unwrap().hash()]));
    }

    #[test]
    fn a_row_shows_what_was_paid_what_is_right_and_what_is_missing() {
        let rules = Rules::named("r73-fix").unwrap();
        let mut table = Vec::new();
        correction(&rules).write_table(&mut table, rules.fixup_form).unwrap();
        let table = String::from_utf8(table).unwrap();
        let row = table.lines().nth(1).unwrap();
        let expected = "1,3,2024-12-30 23:44:40 UTC,2025-01-30 10:32:40 UTC,2630880,2630880,8.5,1.6,0,8.5,1.6,0,0,0,0,\
            60.0000000,260.0000000,200.0000000,0.0400000,0.1000000,0.0600000,";
        assert!(row.starts_with(expected), "{row}");
        assert_eq!(table.lines().next().unwrap().split(',').count(), row.split(',').count());
    }

    #[test]
    fn payouts_close_with_the_carbon_line() {
        let rules = Rules::named("r73-fix").unwrap();
        let mut payouts = Vec::new();
        correction(&rules).write_payouts(&mut payouts, &rules, false).unwrap();
        let payouts = String::from_utf8(payouts).unwrap();
        let lines: Vec<&str> = payouts.lines().collect();
        assert!(lines[0].starts_with("GONE,200.0000000,"), "{payouts}");
        assert!(lines[1].contains(",0.0600000,") && lines.len() == 2, "{payouts}");
        let mut withheld = Vec::new();
        correction(&rules).write_payouts(&mut withheld, &rules, true).unwrap();
        assert_eq!(String::from_utf8(withheld).unwrap(), format!("{}\n", lines[1]));
        assert_eq!(correction(&rules).invalid_addresses(), [(3, "GONE".to_owned())].into());
    }

    #[test]
    fn a_node_that_was_not_minted_or_twice_is_named() {
        let rules = Rules::named("r73-fix").unwrap();
        let receipt = Receipt::parse(RECEIPT).unwrap();
        let two = Receipts::from([([1; 32], receipt.clone()), ([2; 32], receipt)]);
        let message = |minted: &Receipts, correct: &Receipts| {
            Correction::new(minted, correct, &rules).unwrap_err().to_string()
        };
        assert!(message(&Receipts::new(), &two).contains("two correct receipts"));
        let one: Receipts = two.into_iter().take(1).collect();
        assert!(message(&Receipts::new(), &one).contains("node 1 has no receipt"));
        // The correct receipt beside the one that was minted, as published folders have them.
        let correct = Receipt::parse(RECEIPT).unwrap();
        let mut minted = correct.clone();
        minted.reward.tft = 600_000_000;
        let correct = Receipts::from([(correct.hash(), correct)]);
        let mut published = correct.clone();
        published.insert(minted.hash(), minted);
        assert_eq!(Correction::new(&published, &correct, &rules).unwrap().tft(), 2_000_000_000);
    }

    #[test]
    fn every_correction_has_the_files_of_its_time() {
        let correction = Correction { fixups: vec![], correct: vec![] };
        let files = |name| {
            let files = correction.files("60", &Rules::named(name).unwrap(), false).unwrap();
            files.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(files("r46-fix"), ["overview.csv", "payouts.csv"]);
        assert_eq!(files("r60-fix-B2"), ["fixup.csv", "payouts.csv", "retries.csv"]);
        assert_eq!(files("r73-fix"), ["fixup.csv", "payouts.csv"]);
    }
}
