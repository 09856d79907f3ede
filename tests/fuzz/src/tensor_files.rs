//! Files of tensors: what loads, loads lazily as the same, and is the same again when it was written as safetensors.

use futures::executor::block_on;
use tfjs_artifacts::{Error, ErrorKind, ModelArtifacts, WeightData};
use tfjs_convert::{ImportOptions, from_npz, from_safetensors, to_safetensors};
use tfjs_router::LoadOptions;
use tfjs_testkit::assert_same_model;

use crate::memory;

/// A `.safetensors` file.
pub fn safetensors(bytes: &[u8]) {
    memory::bounded(bytes.len(), || {
        let data = WeightData::from(bytes.to_vec());
        for import in imports() {
            check(|options| block_on(from_safetensors(&data, import, options)).map(|(artifacts, _)| artifacts));
        }
    });
}

/// A `.npz` file.
pub fn npz(bytes: &[u8]) {
    memory::bounded(bytes.len(), || {
        let data = WeightData::from(bytes.to_vec());
        for import in imports() {
            check(|options| block_on(from_npz(&data, import, options)).map(|(artifacts, _)| artifacts));
        }
    });
}

fn imports() -> [ImportOptions; 2] {
    [ImportOptions::new(), ImportOptions::new().with_converted_dtypes().without_metadata()]
}

fn check(load: impl Fn(&LoadOptions) -> Result<ModelArtifacts, Error>) {
    let lazy = load(&LoadOptions::lazy());
    let eager = match load(&LoadOptions::new()) {
        Ok(eager) => eager,
        Err(error) => return expected(&error),
    };
    let mut lazy = lazy.expect("what loads eagerly loads lazily");
    if let Some(weights) = &mut lazy.weights {
        *weights = block_on(weights.load(|_| {})).expect("the bytes are all there");
    }
    assert_same_model(&lazy, &eager);
    let written = match block_on(to_safetensors(&eager)) {
        Ok((written, _)) => written,
        Err(error) => return expected(&error),
    };
    let again = block_on(from_safetensors(&written, ImportOptions::new(), &LoadOptions::new()));
    let (again, _) = again.unwrap_or_else(|error| panic!("what was written does not load: {error}"));
    assert_same_model(&again, &eager);
}

/// Whatever is wrong with bytes is one of these.
fn expected(error: &Error) {
    let is_one = matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::LimitExceeded | ErrorKind::Unsupported);
    assert!(is_one, "{error:?}");
}
