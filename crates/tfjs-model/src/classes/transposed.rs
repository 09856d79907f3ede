//! Transposed convolutions.

use std::sync::Arc;

use super::convolution::{Padding, Window, with_bias};
use super::{Class, LayerType, Output};
use crate::config::Config;
use crate::network::{InputSpec, WeightDef};
use crate::problem::Problem;
use crate::symbolic::{Dim, SymbolicShape, plus, times};

pub(super) const CLASSES: &[Class] =
    &[Class::alone("Conv2DTranspose", Transposed::<2>::read), Class::alone("Conv3DTranspose", Transposed::<3>::read)];

/// The gradient of a convolution, as a layer.
#[derive(Debug)]
struct Transposed<const N: usize> {
    window: Window<N>,
    filters: i64,
    use_bias: bool,
}

impl<const N: usize> Transposed<N> {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let window = Window::read_without_causal(config)?;
        let (filters, use_bias) = (config.positive("filters")?, config.flag_or_true("useBias"));
        Ok(Arc::new(Self { window, filters, use_bias }))
    }

    /// As `deconvLength`.
    fn length(&self, input: Dim, stride: i64, kernel: i64) -> Result<Dim, Problem> {
        let length = times(input, stride)?;
        if self.window.padding == Padding::Valid { plus(length, (kernel - stride).max(0)) } else { Ok(length) }
    }
}

impl<const N: usize> LayerType for Transposed<N> {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(N + 2)
    }

    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let channels = self.window.data_format.channels(input)?;
        let kernel = WeightDef::new("kernel", self.window.kernel([self.filters, channels]));
        Ok((with_bias(vec![kernel], self.use_bias, Some(self.filters)), self.window.built_spec(input, channels)))
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let windows = self.window.strides.into_iter().zip(self.window.kernel_size);
        let space = self.window.data_format.space(input).iter().zip(windows);
        let space: Vec<_> =
            space.map(|(&dim, (stride, kernel))| self.length(dim, stride, kernel)).collect::<Result<_, _>>()?;
        Ok(Output::New(self.window.data_format.shape(input.at(0), &space, Some(self.filters))?))
    }
}
