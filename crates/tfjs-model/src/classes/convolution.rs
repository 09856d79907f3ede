//! Convolutions.

use std::sync::Arc;

use super::{Class, LayerType, Output};
use crate::config::Config;
use crate::network::{InputSpec, WeightDef};
use crate::problem::Problem;
use crate::symbolic::{Dim, SymbolicShape, plus, times};

pub(super) const CLASSES: &[Class] = &[
    Class::alone("Conv1D", Convolution::<1>::read),
    Class::alone("Conv2D", Convolution::<2>::read),
    Class::alone("Conv3D", Convolution::<3>::read),
    Class::alone("SeparableConv2D", Separable::read),
    Class::alone("DepthwiseConv2D", Depthwise::read),
];

/// What is done at the borders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    Valid,
    Same,
    /// As `valid`, where shapes are concerned.
    Causal,
}

impl Padding {
    pub(super) fn read(config: &Config) -> Result<Self, Problem> {
        let words = [("valid", Self::Valid), ("same", Self::Same), ("causal", Self::Causal)];
        Ok(config.one_of("padding", &words)?.unwrap_or(Self::Valid))
    }

    /// How many places a window has: `convOutputLength`.
    pub(super) fn output_length(self, input: Dim, window: i64, stride: i64, dilation: i64) -> Result<Dim, Problem> {
        let dilated = plus(times(Some(window - 1), dilation)?, 1)?.unwrap_or_default();
        let length = if self == Self::Same { input } else { plus(input, 1 - dilated)? };
        Ok(plus(length, stride - 1)?.map(|length| length.div_euclid(stride)))
    }
}

/// Where the channels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataFormat {
    ChannelsFirst,
    ChannelsLast,
}

impl DataFormat {
    pub(super) fn read(config: &Config) -> Result<Self, Problem> {
        let words = [("channelsLast", Self::ChannelsLast), ("channelsFirst", Self::ChannelsFirst)];
        Ok(config.one_of("dataFormat", &words)?.unwrap_or(Self::ChannelsLast))
    }

    /// The axis of the channels.
    pub(super) fn channel_axis(self, rank: usize) -> usize {
        match self {
            Self::ChannelsFirst => 1,
            Self::ChannelsLast => rank.saturating_sub(1),
        }
    }

    /// The axis of the first dimension of space.
    pub(super) fn space_axis(self) -> usize {
        match self {
            Self::ChannelsFirst => 2,
            Self::ChannelsLast => 1,
        }
    }

    /// The dimensions of space.
    pub(super) fn space(self, shape: &SymbolicShape) -> &[Dim] {
        let space = shape.from(self.space_axis());
        match self {
            Self::ChannelsFirst => space,
            Self::ChannelsLast => space.split_last().map(|(_, space)| space).unwrap_or_default(),
        }
    }

    /// A shape of these parts.
    pub(super) fn shape(self, batch: Dim, space: &[Dim], channels: Dim) -> Result<SymbolicShape, Problem> {
        SymbolicShape::new(match self {
            Self::ChannelsFirst => [&[batch, channels], space].concat(),
            Self::ChannelsLast => [&[batch], space, &[channels]].concat(),
        })
    }

    /// The number of channels, which must be known.
    pub(super) fn channels(self, input: &SymbolicShape) -> Result<i64, Problem> {
        known_channels(input, self.channel_axis(input.rank()))
    }
}

fn known_channels(input: &SymbolicShape, axis: usize) -> Result<i64, Problem> {
    input.at(axis).filter(|&channels| channels >= 0).ok_or_else(|| {
        Problem::new(format!("the channel dimension of its input must be known, but the input is {input}"))
    })
}

/// What all convolutions have.
#[derive(Debug)]
pub(super) struct Window<const N: usize> {
    pub(super) kernel_size: [i64; N],
    pub(super) strides: [i64; N],
    pub(super) dilation_rate: [i64; N],
    pub(super) padding: Padding,
    pub(super) data_format: DataFormat,
}

impl<const N: usize> Window<N> {
    pub(super) fn read(config: &Config) -> Result<Self, Problem> {
        let kernel_size = config.positives("kernelSize")?;
        Ok(Self {
            kernel_size: kernel_size.ok_or_else(|| Problem::of("kernelSize", "it is missing"))?,
            strides: config.positives("strides")?.unwrap_or([1; N]),
            dilation_rate: config.positives("dilationRate")?.unwrap_or([1; N]),
            padding: Padding::read(config)?,
            data_format: DataFormat::read(config)?,
        })
    }

    /// Of a class that is no sequence's.
    pub(super) fn read_without_causal(config: &Config) -> Result<Self, Problem> {
        let window = Self::read(config)?;
        if window.padding == Padding::Causal {
            return Err(Problem::of("padding", "it supports `same` and `valid` only"));
        }
        Ok(window)
    }

    /// The size of the kernel, and then these.
    pub(super) fn kernel<const M: usize>(&self, rest: [i64; M]) -> Vec<Dim> {
        self.kernel_size.into_iter().chain(rest).map(Some).collect()
    }

    pub(super) fn output_space(&self, input: &SymbolicShape) -> Result<Vec<Dim>, Problem> {
        let windows = self.kernel_size.into_iter().zip(self.strides).zip(self.dilation_rate);
        let length = |(&dim, ((window, stride), dilation)): (&Dim, ((i64, i64), i64))| {
            self.padding.output_length(dim, window, stride, dilation)
        };
        self.data_format.space(input).iter().zip(windows).map(length).collect()
    }

    /// What a layer accepts that was built for so many channels.
    pub(super) fn built_spec(&self, input: &SymbolicShape, channels: i64) -> InputSpec {
        let axis = i64::try_from(self.data_format.channel_axis(input.rank())).unwrap_or(-1);
        InputSpec::rank(N + 2).with_axis(axis, Some(channels))
    }
}

/// A bias for each filter, if there is one.
pub(super) fn with_bias(mut weights: Vec<WeightDef>, use_bias: bool, filters: Dim) -> Vec<WeightDef> {
    if use_bias {
        weights.push(WeightDef::new("bias", [filters]));
    }
    weights
}

/// A convolution over as many dimensions of space.
#[derive(Debug)]
struct Convolution<const N: usize> {
    window: Window<N>,
    filters: i64,
    use_bias: bool,
}

impl<const N: usize> Convolution<N> {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self {
            window: Window::read(config)?,
            filters: config.positive("filters")?,
            use_bias: config.flag_or_true("useBias"),
        }))
    }
}

impl<const N: usize> LayerType for Convolution<N> {
    fn input_spec(&self) -> InputSpec {
        // Of the others TensorFlow.js looks at the rank when they have been built.
        if N == 1 { InputSpec::rank(3) } else { InputSpec::any() }
    }

    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let channels = self.window.data_format.channels(input)?;
        let kernel = WeightDef::new("kernel", self.window.kernel([channels, self.filters]));
        Ok((with_bias(vec![kernel], self.use_bias, Some(self.filters)), self.window.built_spec(input, channels)))
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let space = self.window.output_space(input)?;
        Ok(Output::New(self.window.data_format.shape(input.at(0), &space, Some(self.filters))?))
    }
}

/// A convolution of each channel, and then one across them.
#[derive(Debug)]
struct Separable {
    convolution: Convolution<2>,
    depth_multiplier: i64,
}

impl Separable {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let window = Window::read_without_causal(config)?;
        let convolution =
            Convolution { window, filters: config.positive("filters")?, use_bias: config.flag_or_true("useBias") };
        Ok(Arc::new(Self { convolution, depth_multiplier: config.integer("depthMultiplier")?.unwrap_or(1) }))
    }
}

impl LayerType for Separable {
    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        let Convolution { window, filters, use_bias } = &self.convolution;
        if input.rank() < 4 {
            return Err(Problem::new(format!("it takes an input of rank 4, but gets {input}")));
        }
        let channels = window.data_format.channels(input)?;
        let weights = vec![
            WeightDef::new("depthwise_kernel", window.kernel([channels, self.depth_multiplier])),
            WeightDef::new(
                "pointwise_kernel",
                [Some(1), Some(1), times(Some(channels), self.depth_multiplier)?, Some(*filters)],
            ),
        ];
        Ok((with_bias(weights, *use_bias, Some(*filters)), window.built_spec(input, channels)))
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        self.convolution.output_shape(input)
    }
}

/// A convolution of each channel.
#[derive(Debug)]
struct Depthwise {
    window: Window<2>,
    depth_multiplier: i64,
    use_bias: bool,
}

impl Depthwise {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let mut window = Window::read(config)?;
        // Whatever the config says: TensorFlow.js never dilates these.
        window.dilation_rate = [1, 1];
        Ok(Arc::new(Self {
            window,
            depth_multiplier: config.integer("depthMultiplier")?.unwrap_or(1),
            use_bias: config.flag_or_true("useBias"),
        }))
    }

    /// TensorFlow.js takes the fourth dimension for the channels, also of an input of rank 5.
    fn channel_axis(&self) -> usize {
        if self.window.data_format == DataFormat::ChannelsFirst { 1 } else { 3 }
    }
}

impl LayerType for Depthwise {
    fn weights(&self, input: &SymbolicShape) -> Result<(Vec<WeightDef>, InputSpec), Problem> {
        if input.rank() < 4 {
            return Err(Problem::new(format!("it takes an input of rank 4, but gets {input}")));
        }
        let channels = known_channels(input, self.channel_axis())?;
        let kernel = WeightDef::new("depthwise_kernel", self.window.kernel([channels, self.depth_multiplier]));
        let filters = times(Some(channels), self.depth_multiplier)?;
        Ok((with_bias(vec![kernel], self.use_bias, filters), InputSpec::any()))
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let filters = times(input.at(self.channel_axis()), self.depth_multiplier)?;
        let space = self.window.output_space(input)?;
        Ok(Output::New(self.window.data_format.shape(input.at(0), space.get(..2).unwrap_or(&space), filters)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted_as_in_conv_utils() {
        let length = |padding: Padding, input, window, stride, dilation| {
            padding.output_length(Some(input), window, stride, dilation).unwrap().unwrap()
        };
        assert_eq!(length(Padding::Valid, 28, 3, 1, 1), 26);
        assert_eq!(length(Padding::Valid, 28, 3, 2, 2), 12);
        assert_eq!(length(Padding::Same, 29, 3, 2, 1), 15);
        // Rounded down also below zero.
        assert_eq!(length(Padding::Valid, 1, 4, 3, 1), 0);
        assert_eq!(length(Padding::Valid, 1, 9, 3, 1), -2);
        assert!(Padding::Valid.output_length(Some(1), i64::from(i32::MAX), 1, 1 << 40).is_err());
    }
}
