//! Which file formats there are.

use std::path::Path;

/// A format of files of tensors that this build knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Hugging Face's.
    #[cfg(feature = "safetensors")]
    Safetensors,
    /// NumPy's archives of arrays, as `numpy.savez` and `numpy.savez_compressed` write them.
    #[cfg(feature = "npz")]
    Npz,
}

impl Format {
    /// All of them.
    #[cfg(all(feature = "safetensors", feature = "npz"))]
    pub const ALL: [Self; 2] = [Self::Safetensors, Self::Npz];
    /// All of them.
    #[cfg(all(feature = "safetensors", not(feature = "npz")))]
    pub const ALL: [Self; 1] = [Self::Safetensors];
    /// All of them.
    #[cfg(all(feature = "npz", not(feature = "safetensors")))]
    pub const ALL: [Self; 1] = [Self::Npz];

    /// The extension of its files, without a dot.
    pub fn extension(self) -> &'static str {
        match self {
            #[cfg(feature = "safetensors")]
            Self::Safetensors => "safetensors",
            #[cfg(feature = "npz")]
            Self::Npz => "npz",
        }
    }

    /// The format that the extension of a path names, in whatever case.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        Self::ALL.into_iter().find(|format| format.extension().eq_ignore_ascii_case(extension))
    }
}
