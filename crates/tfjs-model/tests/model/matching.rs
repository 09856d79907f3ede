//! How weights are matched by name: each rule and each error of `Container.loadWeights`, and what we say instead.

use tfjs_artifacts::{DType, WeightSpec};
use tfjs_model::{ModelError, WeightMatching};

use crate::support::{layer, sequential, spec, two_layers, with_weights};

fn whole() -> Vec<WeightSpec> {
    vec![spec("one/kernel", &[2, 3]), spec("one/bias", &[3]), spec("two/kernel", &[3, 1])]
}

fn report(specs: Vec<WeightSpec>, matching: &WeightMatching) -> tfjs_model::MatchReport {
    match with_weights(&two_layers(), specs, matching) {
        Ok(model) => model.report().clone(),
        Err(ModelError::Weights(report)) => *report,
        Err(error) => panic!("{error}"),
    }
}

fn is_refused(specs: Vec<WeightSpec>, matching: &WeightMatching) -> bool {
    with_weights(&two_layers(), specs, matching).is_err()
}

#[test]
fn what_fits_is_matched_in_any_order() {
    let mut specs = whole();
    specs.reverse();
    let model = with_weights(&two_layers(), specs, &WeightMatching::strict()).unwrap();
    assert!(model.report().is_clean() && model.weights().all(|weight| weight.is_set()));
    assert_eq!((model.report().matched, model.report().to_string().as_str()), (3, "all 3 fit"));
}

/// `Provided weight data has no target variable: x`.
#[test]
fn weights_without_a_layer() {
    let specs = [whole(), vec![spec("other/kernel", &[1])]].concat();
    assert_eq!(report(specs.clone(), &WeightMatching::strict()).unexpected, ["other/kernel"]);
    let error = with_weights(&two_layers(), specs.clone(), &WeightMatching::strict()).unwrap_err().to_string();
    assert_eq!(error, "the weights do not fit the layers: 1 of the file belong to no layer: `other/kernel`");
    assert!(!is_refused(specs, &WeightMatching::lenient()));
}

/// `1 of 3 weights are not set: two/kernel`.
#[test]
fn layers_without_weights() {
    let specs = whole()[..2].to_vec();
    assert_eq!(report(specs.clone(), &WeightMatching::strict()).missing, ["two/kernel"]);
    let model = with_weights(&two_layers(), specs, &WeightMatching::lenient()).unwrap();
    assert!(!model.weight("two/kernel").unwrap().is_set());
}

/// `Shape mismatch: [2,3] vs. [3,2]`, which is an error also when names may be missing.
#[test]
fn another_shape() {
    let mut specs = whole();
    specs[0] = spec("one/kernel", &[3, 2]);
    for matching in [WeightMatching::strict(), WeightMatching::lenient()] {
        let error = with_weights(&two_layers(), specs.clone(), &matching).unwrap_err().to_string();
        assert_eq!(error, "the weights do not fit the layers: 1 have another shape: `one/kernel is [3,2], not [2,3]`");
    }
    let model = with_weights(&two_layers(), specs, &WeightMatching::strict().allow_mismatched()).unwrap();
    assert!(!model.weight("one/kernel").unwrap().is_set());
}

/// `dtype of the new value (int32) and previous value (float32) must match`.
#[test]
fn another_type() {
    let mut specs = whole();
    specs[1].dtype = DType::Int32;
    for matching in [WeightMatching::strict(), WeightMatching::lenient()] {
        let found = report(specs.clone(), &matching).dtype_mismatch;
        assert_eq!((found.len(), found[0].to_string().as_str()), (1, "one/bias is int32, not float32"));
    }
}

#[test]
fn everything_is_told_at_once() {
    let mut bias = spec("one/bias", &[4]);
    bias.dtype = DType::Int32;
    let found = report(vec![bias, spec("x", &[]), spec("y", &[])], &WeightMatching::strict());
    assert_eq!((found.missing.join(","), found.unexpected.join(",")), ("one/kernel,two/kernel".into(), "x,y".into()));
    assert_eq!((found.shape_mismatch.len(), found.dtype_mismatch.len(), found.matched), (1, 1, 0));
    let told = found.to_string();
    for part in [
        "2 of the layers have no value: `one/kernel`, `two/kernel`",
        "2 of the file belong to no layer: `x`, `y`",
        "another shape",
        "another type",
    ] {
        assert!(told.contains(part), "{told}");
    }
}

/// `Duplicate weight name: d/kernel`, strict or not.
#[test]
fn two_weights_of_one_name() {
    let inner = |name: &str| {
        let dense = layer("Dense", "d", r#""units":2,"batch_input_shape":[null,2]"#);
        format!(r#"{{"class_name":"Sequential","config":{{"name":"{name}","layers":[{dense}]}}}}"#)
    };
    let topology = sequential("[null,2]", &[&inner("a"), &inner("b")]);
    for matching in [WeightMatching::strict(), WeightMatching::lenient()] {
        let error = with_weights(&topology, Vec::new(), &matching).unwrap_err();
        assert_eq!(error, ModelError::DuplicateWeight { name: "d/kernel".to_owned() });
    }
}

/// TensorFlow 2.2 and later name the cell as well.
#[test]
fn the_name_of_a_cell_is_left_out() {
    let topology = sequential("[null,4,2]", &[&layer("LSTM", "rnn", r#""units":1,"use_bias":false"#)]);
    let specs = vec![spec("rnn/lstm_cell/kernel", &[2, 4]), spec("rnn/lstm_cell_7/recurrent_kernel", &[1, 4])];
    let model = with_weights(&topology, specs, &WeightMatching::strict()).unwrap();
    let renamed = ("rnn/lstm_cell/kernel".to_owned(), "rnn/kernel".to_owned());
    assert_eq!(model.report().renamed[0], renamed);
    // Whoever comes second finds the place taken.
    let specs =
        vec![spec("rnn/kernel", &[2, 4]), spec("rnn/cell/kernel", &[2, 4]), spec("rnn/recurrent_kernel", &[1, 4])];
    let error = with_weights(&topology, specs, &WeightMatching::strict()).unwrap_err().to_string();
    assert!(error.contains("1 of the file belong to no layer: `rnn/cell/kernel`"), "{error}");
}

/// Keras 3 names weights by their places, and the first name decides how all are read.
#[test]
fn weights_named_by_their_places() {
    let specs = vec![spec("one/0", &[2, 3]), spec("one/vars/1", &[3]), spec("two/0", &[3, 1])];
    let model = with_weights(&two_layers(), specs, &WeightMatching::strict()).unwrap();
    assert_eq!(model.report().renamed.len(), 3);
    let specs = vec![spec("one/kernel", &[2, 3]), spec("one/1", &[3]), spec("two/0", &[3, 1])];
    assert_eq!(report(specs, &WeightMatching::strict()).unexpected, ["one/1", "two/0"]);
    let specs = [vec![spec("0/0", &[1])], whole()].concat();
    assert_eq!(report(specs, &WeightMatching::strict()).unexpected.len(), 4);
}

#[test]
fn optimizer_state_belongs_to_no_layer() {
    let mut iterations = spec("iter", &[]);
    iterations.group = Some("optimizer".to_owned());
    assert!(report([vec![iterations], whole()].concat(), &WeightMatching::strict()).is_clean());
}

#[test]
fn names_can_be_changed_on_the_way() {
    let specs = vec![spec("model/one/kernel", &[2, 3]), spec("model/one/bias", &[3]), spec("head/w", &[3, 1])];
    assert!(is_refused(specs.clone(), &WeightMatching::strict()));
    let matching = WeightMatching::strict().rename("head/w", "two/kernel").rename_prefix("model/", "");
    let found = report(specs, &matching);
    assert!(found.is_clean());
    assert_eq!(found.renamed[2], ("head/w".to_owned(), "two/kernel".to_owned()));
}

#[test]
fn no_weights_are_no_problem() {
    let model = crate::support::model(&two_layers());
    assert_eq!((model.report().matched, model.weights().filter(tfjs_model::Weight::is_set).count()), (0, 0));
}
