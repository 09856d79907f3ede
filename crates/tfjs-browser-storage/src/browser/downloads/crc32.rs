//! CRC-32 as zip files have it. Its table is computed: stored, it would be 16 kB of a download that nobody could compress.

/// The polynomial, least significant bit first.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// How many bytes are looked up in one step.
const AT_ONCE: usize = 16;

/// The sum of bytes that come one after the other.
#[derive(Debug)]
pub(super) struct Crc32 {
    state: u32,
    /// The effect of a byte that is followed by so many others.
    tables: Box<[[u32; 256]; AT_ONCE]>,
}

impl Crc32 {
    pub(super) fn new() -> Self {
        Self { state: !0, tables: tables() }
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "a byte is a place in a table of 256, and a chunk has as many as there are tables"
    )]
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let tables = &*self.tables;
        let (chunks, rest) = bytes.as_chunks::<AT_ONCE>();
        for chunk in chunks {
            let mut chunk = *chunk;
            for (byte, state) in chunk.iter_mut().zip(self.state.to_le_bytes()) {
                *byte ^= state;
            }
            let effects = chunk.iter().rev().zip(tables).map(|(byte, table)| table[usize::from(*byte)]);
            self.state = effects.fold(0, |sum, effect| sum ^ effect);
        }
        for byte in rest {
            let [low, ..] = self.state.to_le_bytes();
            self.state = tables[0][usize::from(low ^ byte)] ^ (self.state >> 8);
        }
    }

    pub(super) fn finish(&self) -> u32 {
        !self.state
    }
}

fn tables() -> Box<[[u32; 256]; AT_ONCE]> {
    let mut tables = Box::new([[0; 256]; AT_ONCE]);
    for byte in 0..=u8::MAX {
        let step = |value: u32| (value >> 1) ^ (value & 1).wrapping_neg() & POLYNOMIAL;
        let mut effect = u32::from(byte);
        for table in &mut *tables {
            for _ in 0..8 {
                effect = step(effect);
            }
            if let Some(entry) = table.get_mut(usize::from(byte)) {
                *entry = effect;
            }
        }
    }
    tables
}
