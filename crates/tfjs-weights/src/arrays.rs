//! Tensors as arrays of the crate ndarray, and back.

use std::borrow::Cow;

use ndarray::{ArrayBase, ArrayViewD, Data, Dimension, IxDyn};
use tfjs_artifacts::Shape;

use crate::{Element, Tensor, TensorError, Values};

/// A type of numbers that tensors and arrays have: `f32`, `i32`, and `[f32; 2]` for complex64.
pub trait ArrayElement: Element {
    /// The values of a tensor of this type, row-major.
    fn of(tensor: &Tensor) -> Option<&[Self]>;

    /// Values of this type, row-major.
    fn into_values(values: Vec<Self>) -> Values;
}

impl ArrayElement for f32 {
    fn of(tensor: &Tensor) -> Option<&[Self]> {
        tensor.as_f32()
    }

    fn into_values(values: Vec<Self>) -> Values {
        Values::Float32(values.into())
    }
}

impl ArrayElement for i32 {
    fn of(tensor: &Tensor) -> Option<&[Self]> {
        tensor.as_i32()
    }

    fn into_values(values: Vec<Self>) -> Values {
        Values::Int32(values.into())
    }
}

impl ArrayElement for [f32; 2] {
    fn of(tensor: &Tensor) -> Option<&[Self]> {
        tensor.as_complex64()
    }

    fn into_values(values: Vec<Self>) -> Values {
        Values::Complex64(values.into())
    }
}

impl Tensor {
    /// The values as an array, which borrows them: of a tensor that is the weight bytes themselves, these are not copied.
    /// `None` if the tensor is of another type.
    ///
    /// ```
    /// use tfjs_artifacts::Shape;
    /// use tfjs_weights::Tensor;
    ///
    /// let tensor = Tensor::float32("w", Shape::new([2, 2])?, vec![1.0, 2.0, 3.0, 4.0])?;
    /// let array = tensor.array_view::<f32>().ok_or("not float32")?;
    /// assert_eq!(array[[1, 0]], 3.0);
    /// assert_eq!(array.sum(), 10.0);
    /// assert!(tensor.array_view::<i32>().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn array_view<T: ArrayElement>(&self) -> Option<ArrayViewD<'_, T>> {
        self.viewed(T::of(self)?)
    }

    /// The values of a bool tensor as an array of bytes, which borrows them; 0 is false. `None` if it is of another type.
    pub fn bool_array_view(&self) -> Option<ArrayViewD<'_, u8>> {
        self.viewed(self.as_bool()?)
    }

    fn viewed<'a, T>(&'a self, values: &'a [T]) -> Option<ArrayViewD<'a, T>> {
        // As many values as the shape has, which fit into memory, so their dimensions do too, unless one is zero.
        let dims: Option<Vec<_>> = self.shape().dims().iter().map(|dim| usize::try_from(*dim).ok()).collect();
        ArrayViewD::from_shape(IxDyn(&dims?), values).ok()
    }

    /// A tensor of the values of an array, copied in row-major order.
    ///
    /// # Errors
    /// [`TensorError::Shape`] when dimensions are beyond what a shape can have.
    pub fn from_array<T: ArrayElement, S: Data<Elem = T>, D: Dimension>(
        name: impl Into<String>,
        array: &ArrayBase<S, D>,
    ) -> Result<Self, TensorError> {
        let name = name.into();
        let shape = shape_of(&name, array.shape())?;
        Self::new(name, shape, T::into_values(row_major(array).into_owned()))
    }

    /// A bool tensor of the values of an array, copied in row-major order.
    ///
    /// # Errors
    /// As [`from_array`](Self::from_array).
    pub fn from_bool_array<S: Data<Elem = bool>, D: Dimension>(
        name: impl Into<String>,
        array: &ArrayBase<S, D>,
    ) -> Result<Self, TensorError> {
        let name = name.into();
        let shape = shape_of(&name, array.shape())?;
        Self::bool(name, shape, array.iter().copied())
    }
}

fn shape_of(name: &str, dims: &[usize]) -> Result<Shape, TensorError> {
    let dims: Vec<_> = dims.iter().map(|dim| *dim as u64).collect();
    Shape::new(dims).map_err(|source| TensorError::Shape { name: name.to_owned(), source })
}

/// The values in the order of a weight file.
fn row_major<T: Copy, S: Data<Elem = T>, D: Dimension>(array: &ArrayBase<S, D>) -> Cow<'_, [T]> {
    match array.as_slice() {
        Some(values) => Cow::Borrowed(values),
        None => Cow::Owned(array.iter().copied().collect()),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use ndarray::{Array, Array2, ArrayD, ShapeBuilder as _};
    use tfjs_artifacts::{DType, WeightSpec};

    use super::*;

    #[test]
    fn a_view_is_the_weight_bytes() {
        let bytes: Bytes = [1f32; 6].map(f32::to_le_bytes).concat().into();
        let spec = WeightSpec::new("w", Shape::new([2, 3]).unwrap(), DType::Float32);
        let tensor = crate::decode(&spec, std::slice::from_ref(&bytes)).unwrap();
        let view = tensor.array_view::<f32>().unwrap();
        assert_eq!(view.shape(), [2, 3]);
        assert_eq!(view.sum(), 6.0);
        if let Values::Float32(values) = tensor.values() {
            let is_borrowed = std::ptr::eq(view.as_ptr().cast::<u8>(), bytes.as_ptr());
            assert_eq!(values.is_shared(), is_borrowed);
        }
    }

    #[test]
    fn arrays_of_any_layout_become_tensors() {
        let rows = Array2::from_shape_vec((2, 3), vec![1, 2, 3, 4, 5, 6]).unwrap();
        let columns = Array2::from_shape_vec((2, 3).f(), vec![1, 4, 2, 5, 3, 6]).unwrap();
        for array in [&rows, &columns] {
            let tensor = Tensor::from_array("w", array).unwrap();
            assert_eq!(tensor.as_i32(), Some(&[1, 2, 3, 4, 5, 6][..]));
            assert_eq!(tensor.array_view::<i32>().unwrap(), array.view().into_dyn());
        }
        let turned = Tensor::from_array("w", &rows.t()).unwrap();
        assert_eq!((turned.shape().dims(), turned.as_i32()), (&[3, 2][..], Some(&[1, 4, 2, 5, 3, 6][..])));
    }

    #[test]
    fn scalars_nothing_bools_and_complex_numbers() {
        let scalar = Tensor::from_array("s", &ndarray::arr0(7.0f32)).unwrap();
        assert_eq!(scalar.array_view::<f32>().unwrap().ndim(), 0);
        let nothing = Tensor::from_array("n", &Array::<f32, _>::zeros((0, 4))).unwrap();
        assert_eq!(nothing.array_view::<f32>().unwrap().shape(), [0, 4]);
        let bools = Tensor::from_bool_array("b", &ndarray::arr1(&[true, false])).unwrap();
        assert_eq!(bools.bool_array_view().unwrap(), ArrayD::from_shape_vec(vec![2], vec![1, 0]).unwrap().view());
        let complex = Tensor::from_array("c", &ndarray::arr1(&[[1.0f32, -2.0]])).unwrap();
        assert_eq!(complex.array_view::<[f32; 2]>().unwrap()[[0]], [1.0, -2.0]);
        assert!(complex.array_view::<f32>().is_none() && complex.bool_array_view().is_none());
    }
}
