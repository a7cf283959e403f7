//! The faults of `--faults`: each a fault itself, or a file with one a line.

use crate::error::StartError;
use crate::files;
use crate::sim::InjectedFault;
use std::path::Path;

/// The longest file, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Reads all of them.
pub(super) fn read(given: &[String]) -> Result<Vec<InjectedFault>, StartError> {
    let mut faults = Vec::new();
    for text in given {
        if !Path::new(text).is_file() {
            faults.push(one(text, "--faults")?);
            continue;
        }
        let unreadable = |reason: String| StartError::File {
            path: text.clone(),
            action: "read",
            reason,
        };
        let bytes = files::read(Path::new(text), MOST_BYTES)
            .map_err(|error| unreadable(error.to_string()))?;
        let lines = files::decode(bytes).map_err(|error| unreadable(error.to_string()))?;
        for (line, number) in lines.lines().map(str::trim).zip(1..) {
            if !line.is_empty() && !line.starts_with('#') {
                faults.push(one(line, &format!("{text}:{number}"))?);
            }
        }
    }
    Ok(faults)
}

fn one(text: &str, place: &str) -> Result<InjectedFault, StartError> {
    let fault = text
        .parse()
        .map_err(|error| StartError::Usage(format!("{place}: {error}")))?;
    if let InjectedFault::Gateway(_) = fault {
        return Err(StartError::Usage(format!(
            "{place}: \"{text}\" happens to bots that are connected, and at the start there are none. Send it to \
             /control/fault when they are."
        )));
    }
    Ok(fault)
}
