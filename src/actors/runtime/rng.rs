//! Randomness from one seed a node: the same seed and the same names give the same numbers.

use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

/// The node's source of randomness. Hand out one stream a caller, by name, so that the number one caller draws never
/// depends on how often another did.
#[derive(Clone, Debug)]
pub struct Rng {
    seed: u64,
}

impl Rng {
    /// A source with this seed.
    pub fn new(seed: u64) -> Rng {
        Rng { seed }
    }

    /// The seed, to be reported so that a run can be repeated.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The stream called `name`; always the same for the same seed and name.
    pub fn stream(&self, name: &str) -> ChaCha8Rng {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(fnv1a(name));
        random
    }
}

/// A hash that never changes between builds, unlike the standard library's.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
