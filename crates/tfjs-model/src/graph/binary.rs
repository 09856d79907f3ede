//! A binary `GraphDef`: a message of protocol buffers, of which only the fields that we know are read.

use std::collections::BTreeMap;

use super::attr::{Attr, DataType};
use super::definition::{ArgDef, FunctionDef, GraphDef, NodeDef};
use crate::ModelError;

/// How deep lists and functions lie in each other in no graph.
const DEEPEST: usize = 16;

/// Reads the bytes of a graph.
pub(super) fn parse(bytes: &[u8]) -> Result<GraphDef, ModelError> {
    let mut graph = GraphDef::default();
    let read = fields(bytes, |number, value| {
        match (number, value) {
            (1, Field::Bytes(node)) => graph.nodes.push(node_def(node)?),
            (2, Field::Bytes(library)) => {
                fields(library, |number, value| {
                    if let (1, Field::Bytes(function)) = (number, value) {
                        graph.functions.push(function_def(function)?);
                    }
                    Some(())
                })?;
            }
            (4, Field::Bytes(versions)) => {
                // What is zero is left out of a message.
                (graph.producer, graph.min_consumer) = (Some("0".to_owned()), Some("0".to_owned()));
                fields(versions, |number, value| {
                    match (number, value) {
                        (1, Field::Number(version)) => graph.producer = Some(version.to_string()),
                        (2, Field::Number(version)) => graph.min_consumer = Some(version.to_string()),
                        _ => {}
                    }
                    Some(())
                })?;
            }
            _ => {}
        }
        Some(())
    });
    let message = "the binary GraphDef is damaged: a field does not end where it should, or a name is no text";
    read.map(|()| graph).ok_or_else(|| ModelError::topology(message))
}

/// The value of a field.
#[derive(Clone, Copy)]
enum Field<'b> {
    Number(u64),
    Single(f32),
    Bytes(&'b [u8]),
    Other,
}

/// Hands over each field of a message with its number; `None` if the message is damaged.
fn fields<'b>(mut bytes: &'b [u8], mut each: impl FnMut(u64, Field<'b>) -> Option<()>) -> Option<()> {
    while !bytes.is_empty() {
        let tag = number(&mut bytes)?;
        let value = match tag & 7 {
            0 => Field::Number(number(&mut bytes)?),
            1 => take(&mut bytes, 8).map(|_| Field::Other)?,
            2 => {
                let length = usize::try_from(number(&mut bytes)?).ok()?;
                Field::Bytes(take(&mut bytes, length)?)
            }
            5 => Field::Single(f32::from_le_bytes(*take(&mut bytes, 4)?.first_chunk()?)),
            _ => return None,
        };
        each(tag >> 3, value)?;
    }
    Some(())
}

fn take<'b>(bytes: &mut &'b [u8], length: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// A number of up to ten bytes, seven bits in each.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for index in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn text(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn node_def(bytes: &[u8]) -> Option<NodeDef> {
    let mut node = NodeDef::default();
    fields(bytes, |number, value| {
        match (number, value) {
            (1, Field::Bytes(name)) => node.name = text(name)?,
            (2, Field::Bytes(op)) => node.op = text(op)?,
            (3, Field::Bytes(input)) => node.inputs.push(text(input)?),
            (5, Field::Bytes(entry)) => {
                let (key, value) = entry_of(entry)?;
                node.attrs.insert(key, attr(value, 0)?);
            }
            _ => {}
        }
        Some(())
    })?;
    Some(node)
}

/// Key and value of an entry of a map.
fn entry_of(bytes: &[u8]) -> Option<(String, &[u8])> {
    let (mut key, mut entry): (String, &[u8]) = (String::new(), &[]);
    fields(bytes, |number, value| {
        match (number, value) {
            (1, Field::Bytes(name)) => key = text(name)?,
            (2, Field::Bytes(value)) => entry = value,
            _ => {}
        }
        Some(())
    })?;
    Some((key, entry))
}

fn function_def(bytes: &[u8]) -> Option<FunctionDef> {
    let mut function = FunctionDef::default();
    let mut ret = BTreeMap::new();
    fields(bytes, |number, value| {
        match (number, value) {
            (1, Field::Bytes(signature)) => fields(signature, |number, value| {
                match (number, value) {
                    (1, Field::Bytes(name)) => function.name = text(name)?,
                    (2, Field::Bytes(arg)) => function.inputs.push(arg_def(arg)?),
                    (3, Field::Bytes(arg)) => function.outputs.push(arg_def(arg)?),
                    _ => {}
                }
                Some(())
            })?,
            (3, Field::Bytes(node)) => function.nodes.push(node_def(node)?),
            (4, Field::Bytes(entry)) => {
                let (key, value) = entry_of(entry)?;
                ret.insert(key, text(value)?);
            }
            _ => {}
        }
        Some(())
    })?;
    function.ret = ret;
    Some(function)
}

fn arg_def(bytes: &[u8]) -> Option<ArgDef> {
    let mut arg = ArgDef::default();
    fields(bytes, |number, value| {
        match (number, value) {
            (1, Field::Bytes(name)) => arg.name = text(name)?,
            (3, Field::Number(dtype)) => arg.dtype = Some(data_type(dtype)),
            _ => {}
        }
        Some(())
    })?;
    Some(arg)
}

/// An integer as its message has it: two's complement.
fn signed(number: u64) -> i64 {
    i64::from_le_bytes(number.to_le_bytes())
}

fn data_type(number: u64) -> DataType {
    DataType::from_number(signed(number))
}

fn attr(bytes: &[u8], depth: usize) -> Option<Attr> {
    let mut attr = Attr::Other;
    fields(bytes, |number, value| {
        attr = match (number, value) {
            (1, Field::Bytes(values)) if depth < DEEPEST => list(values, depth + 1)?,
            (2, Field::Bytes(bytes)) => Attr::Bytes(bytes.to_vec()),
            (3, Field::Number(number)) => Attr::Int(signed(number)),
            (4, Field::Single(number)) => Attr::Float(number.into()),
            (5, Field::Number(number)) => Attr::Bool(number != 0),
            (6, Field::Number(number)) => Attr::Type(data_type(number)),
            (7, Field::Bytes(bytes)) => Attr::Shape(shape(bytes)?.0),
            (8, Field::Bytes(bytes)) => tensor(bytes)?,
            (10, Field::Bytes(bytes)) => function(bytes)?,
            _ => return Some(()),
        };
        Some(())
    })?;
    Some(attr)
}

/// Numbers of a list may be packed into one field.
fn list(bytes: &[u8], depth: usize) -> Option<Attr> {
    let mut values = Vec::new();
    fields(bytes, |field, value| {
        match (field, value) {
            (3 | 5 | 6, Field::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    values.push(of_number(field, number(&mut packed)?));
                }
            }
            (3 | 5 | 6, Field::Number(number)) => values.push(of_number(field, number)),
            (4, Field::Bytes(packed)) => {
                for number in packed.chunks_exact(4) {
                    values.push(Attr::Float(f32::from_le_bytes(*number.first_chunk()?).into()));
                }
            }
            (4, Field::Single(number)) => values.push(Attr::Float(number.into())),
            (2, Field::Bytes(bytes)) => values.push(Attr::Bytes(bytes.to_vec())),
            (7, Field::Bytes(bytes)) => values.push(Attr::Shape(shape(bytes)?.0)),
            (8, Field::Bytes(bytes)) => values.push(tensor(bytes)?),
            (9, Field::Bytes(bytes)) if depth < DEEPEST => values.push(function(bytes)?),
            _ => {}
        }
        Some(())
    })?;
    Some(Attr::List(values))
}

fn of_number(field: u64, number: u64) -> Attr {
    match field {
        5 => Attr::Bool(number != 0),
        6 => Attr::Type(data_type(number)),
        _ => Attr::Int(signed(number)),
    }
}

fn function(bytes: &[u8]) -> Option<Attr> {
    let mut name = String::new();
    fields(bytes, |number, value| {
        if let (1, Field::Bytes(bytes)) = (number, value) {
            name = text(bytes)?;
        }
        Some(())
    })?;
    Some(Attr::Function(name))
}

fn tensor(bytes: &[u8]) -> Option<Attr> {
    let (mut dtype, mut dims) = (None, Some(Vec::new()));
    fields(bytes, |number, value| {
        match (number, value) {
            (1, Field::Number(number)) => dtype = Some(data_type(number)),
            (2, Field::Bytes(bytes)) => dims = shape(bytes)?.0,
            _ => {}
        }
        Some(())
    })?;
    Some(Attr::Tensor { dtype, shape: dims })
}

/// The dimensions as [`Attr::Shape`] and [`Attr::Tensor`] have them.
struct Dims(Option<Vec<i64>>);

fn shape(bytes: &[u8]) -> Option<Dims> {
    let (mut dims, mut is_unknown) = (Vec::new(), false);
    fields(bytes, |number, value| {
        match (number, value) {
            (2, Field::Bytes(dim)) => {
                let mut size = 0;
                fields(dim, |number, value| {
                    if let (1, Field::Number(number)) = (number, value) {
                        size = signed(number);
                    }
                    Some(())
                })?;
                dims.push(size);
            }
            (3, Field::Number(number)) => is_unknown = number != 0,
            _ => {}
        }
        Some(())
    })?;
    Some(Dims((!is_unknown).then_some(dims)))
}
