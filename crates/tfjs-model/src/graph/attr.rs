//! The attributes of a node, in whichever dialect they were written.

use std::fmt;

/// A type of TensorFlow, by its name in `DataType`, such as `DT_FLOAT`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DataType(String);

/// The names of TensorFlow's `DataType`, by their numbers; those of references are 100 more.
const NAMES: [&str; 24] = [
    "DT_INVALID",
    "DT_FLOAT",
    "DT_DOUBLE",
    "DT_INT32",
    "DT_UINT8",
    "DT_INT16",
    "DT_INT8",
    "DT_STRING",
    "DT_COMPLEX64",
    "DT_INT64",
    "DT_BOOL",
    "DT_QINT8",
    "DT_QUINT8",
    "DT_QINT32",
    "DT_BFLOAT16",
    "DT_QINT16",
    "DT_QUINT16",
    "DT_UINT16",
    "DT_COMPLEX128",
    "DT_HALF",
    "DT_RESOURCE",
    "DT_VARIANT",
    "DT_UINT32",
    "DT_UINT64",
];

impl DataType {
    /// The type of this name, whatever it is.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The type of this number; one that nobody knows is called by it.
    pub(crate) fn from_number(number: i64) -> Self {
        let name = |number: i64| usize::try_from(number).ok().and_then(|number| NAMES.get(number));
        match (name(number), name(number - 100)) {
            (Some(name), _) => Self::new(*name),
            (None, Some(name)) if number > 100 => Self(format!("{name}_REF")),
            _ => Self(number.to_string()),
        }
    }

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The type of TensorFlow.js that it becomes there, if there is one: `parseDtypeParam` of its `operation_mapper.ts`.
    pub fn tfjs_name(&self) -> Option<&'static str> {
        match self.0.as_str() {
            "DT_FLOAT" | "DT_HALF" | "DT_DOUBLE" => Some("float32"),
            "DT_INT32" | "DT_INT64" | "DT_INT8" | "DT_UINT8" => Some("int32"),
            "DT_BOOL" => Some("bool"),
            "DT_STRING" => Some("string"),
            "DT_COMPLEX64" | "DT_COMPLEX128" => Some("complex64"),
            _ => None,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Attr {
    /// A type.
    Type(DataType),
    /// Dimensions, -1 for any size; `None` if not even their number is known.
    Shape(Option<Vec<i64>>),
    /// Bytes, usually of a text.
    Bytes(Vec<u8>),
    /// An integer.
    Int(i64),
    /// A number.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// The name of a function of the library.
    Function(String),
    /// Type and dimensions of a tensor; its values are a weight.
    Tensor {
        /// The type.
        dtype: Option<DataType>,
        /// The dimensions.
        shape: Option<Vec<i64>>,
    },
    /// Several values.
    List(Vec<Self>),
    /// Anything else.
    Other,
}

impl Attr {
    /// The type, if it is one.
    pub fn as_type(&self) -> Option<&DataType> {
        match self {
            Self::Type(dtype) => Some(dtype),
            _ => None,
        }
    }

    /// The dimensions, if it is a shape whose number of dimensions is known.
    pub fn as_shape(&self) -> Option<&[i64]> {
        match self {
            Self::Shape(shape) => shape.as_deref(),
            _ => None,
        }
    }

    /// The text, if it is bytes of one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}
