//! Names of models as names of folders.
//!
//! Capitals are encoded like anything else that is not plain: a browser may keep the folders on a disk that takes `Model`
//! and `model` for the same.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use tfjs_artifacts::{Error, ErrorKind};

/// What file systems allow.
const LONGEST: usize = 255;

/// What is not encoded, beside small letters and digits.
const ENCODED: &AsciiSet = &capitals(NON_ALPHANUMERIC).remove(b'-').remove(b'_');

const fn capitals(set: &AsciiSet) -> AsciiSet {
    let mut set = set.add(b'A');
    let mut capital = b'B';
    while capital <= b'Z' {
        set = set.add(capital);
        capital += 1;
    }
    set
}

/// The name of the folder that a model is in.
pub(super) fn encode(name: &str) -> Result<String, Error> {
    if name.is_empty() {
        let message = "a model in the browser's storage needs a name, as in `opfs://my-model`";
        return Err(Error::new(ErrorKind::InvalidUrl, message));
    }
    let encoded = percent_encode(name.as_bytes(), ENCODED).to_string().to_ascii_lowercase();
    if encoded.len() > LONGEST {
        let message = format!(
            "the name takes {} bytes in its encoded form, more than the {LONGEST} that a file system allows; choose a shorter one",
            encoded.len()
        );
        return Err(Error::new(ErrorKind::InvalidUrl, message));
    }
    Ok(encoded)
}

/// The name of the model in a folder; `None` if the folder is not from [`encode`].
pub(super) fn decode(folder: &str) -> Option<String> {
    let name = percent_decode_str(folder).decode_utf8().map(Cow::into_owned).ok()?;
    encode(&name).is_ok_and(|encoded| encoded == folder).then_some(name)
}
