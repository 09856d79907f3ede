//! Numbers of JSON, which the engine reads and prints: as `JSON` does, and as the library does where there is no engine.

use js_sys::JSON;
use tfjs_artifacts::RawJson;
use wasm_bindgen_test::wasm_bindgen_test;

const NUMBERS: [(&str, &str); 24] = [
    ("0", "0"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("1.0", "1"),
    ("1e0", "1"),
    ("4294967295", "4294967295"),
    ("4294967296", "4294967296"),
    ("-1", "-1"),
    ("9007199254740993", "9007199254740992"),
    ("123456789012345680000", "123456789012345680000"),
    ("1e21", "1e+21"),
    ("0.000001", "0.000001"),
    ("1E-7", "1e-7"),
    ("0.1", "0.1"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("-12.50", "-12.5"),
    ("5e-324", "5e-324"),
    ("2e-324", "0"),
    ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ("1e999", "null"),
    ("-1e999", "null"),
    ("2.2250738585072011e-308", "2.225073858507201e-308"),
    ("8.5", "8.5"),
    ("0.00001234e5", "1.234"),
];

#[wasm_bindgen_test]
fn numbers_are_those_of_the_engine() {
    for (text, expected) in NUMBERS {
        let engine = JSON::stringify(&JSON::parse(text).unwrap()).unwrap();
        assert_eq!(engine, expected, "{text}");
        let json = RawJson::parse(text).unwrap();
        assert_eq!(json.to_js_string(), expected, "{text}");
        // `parse` of the standard library rounds to the nearest, as the engine does.
        assert_eq!(json.as_f64().map(f64::to_bits), text.parse().ok().map(f64::to_bits), "{text}");
    }
}

#[wasm_bindgen_test]
fn shapes_are_integers_however_they_are_written() {
    let shape = |dims: &str| {
        let json = format!(
            r#"{{"modelTopology":null,"weightsManifest":[{{"paths":["w"],"weights":[{{"name":"w","shape":{dims},"dtype":"float32"}}]}}]}}"#
        );
        let parsed = tfjs_artifacts::ModelJson::parse(json.as_bytes());
        parsed.map(|parsed| parsed.groups().unwrap()[0].weights.as_ref().unwrap()[0].shape.dims().to_vec())
    };
    assert_eq!(shape("[2, 3.0, 4e0, -0]").unwrap(), [2, 3, 4, 0]);
    for bad in ["[1.5]", "[-1]", "[1e30]", "[\"3\"]", "[9007199254740992]"] {
        assert!(shape(bad).is_err(), "{bad}");
    }
}
