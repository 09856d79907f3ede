//! Pooling.

use std::sync::Arc;

use super::convolution::{DataFormat, Padding};
use super::{Class, LayerType, Output};
use crate::config::Config;
use crate::network::InputSpec;
use crate::problem::Problem;
use crate::symbolic::{Dim, SymbolicShape};

pub(super) const CLASSES: &[Class] = &[
    Class::alone("AveragePooling1D", Pooling::<1>::read),
    Class::alone("AveragePooling2D", Pooling::<2>::read),
    Class::alone("AveragePooling3D", Pooling::<3>::read),
    Class::alone("MaxPooling1D", Pooling::<1>::read),
    Class::alone("MaxPooling2D", Pooling::<2>::read),
    Class::alone("MaxPooling3D", Pooling::<3>::read),
    Class::alone("GlobalAveragePooling1D", Global::of_steps),
    Class::alone("GlobalMaxPooling1D", Global::of_steps),
    Class::alone("GlobalAveragePooling2D", Global::of_images),
    Class::alone("GlobalMaxPooling2D", Global::of_images),
];

/// One value for each window.
#[derive(Debug)]
struct Pooling<const N: usize> {
    pool_size: [i64; N],
    strides: [i64; N],
    padding: Padding,
    data_format: DataFormat,
}

impl<const N: usize> Pooling<N> {
    fn read(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        let pool_size = config.positives("poolSize")?.unwrap_or([2; N]);
        // Of a vector over time, TensorFlow.js takes the channels to be last, whatever the config says.
        let data_format = if N == 1 { DataFormat::ChannelsLast } else { DataFormat::read(config)? };
        Ok(Arc::new(Self {
            pool_size,
            strides: config.positives("strides")?.unwrap_or(pool_size),
            padding: Padding::read(config)?,
            data_format,
        }))
    }
}

impl<const N: usize> LayerType for Pooling<N> {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(N + 2)
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let windows = self.pool_size.into_iter().zip(self.strides);
        let length = |(&dim, (window, stride)): (&Dim, (i64, i64))| self.padding.output_length(dim, window, stride, 1);
        let space: Vec<_> = self.data_format.space(input).iter().zip(windows).map(length).collect::<Result<_, _>>()?;
        let channels = input.at(self.data_format.channel_axis(input.rank()));
        Ok(Output::New(self.data_format.shape(input.at(0), &space, channels)?))
    }
}

/// One value for each channel.
#[derive(Debug)]
struct Global {
    rank: usize,
    data_format: DataFormat,
}

impl Global {
    #[expect(clippy::unnecessary_wraps, reason = "the signature is that of the table")]
    fn of_steps(_: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self { rank: 3, data_format: DataFormat::ChannelsLast }))
    }

    fn of_images(config: &Config) -> Result<Arc<dyn LayerType>, Problem> {
        Ok(Arc::new(Self { rank: 4, data_format: DataFormat::read(config)? }))
    }
}

impl LayerType for Global {
    fn input_spec(&self) -> InputSpec {
        InputSpec::rank(self.rank)
    }

    fn output_shape(&self, input: &SymbolicShape) -> Result<Output, Problem> {
        let channels = input.at(self.data_format.channel_axis(input.rank()));
        Ok(Output::New(SymbolicShape::new([input.at(0), channels])?))
    }
}
