//! The compressed protocol: packets inside frames of their own, each with three bytes of length, one of sequence and three of the
//! length before compression, which is 0 where it did not pay.

use std::io::{Read as _, Write as _};

use bytes::{Buf, BufMut, BytesMut};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

use super::Malformed;

/// Length of a frame's header.
const HEADER: usize = 7;
/// Less than this is not worth compressing; as MySQL has it.
const COMPRESS_MIN: usize = 50;
/// What goes into one frame.
const FRAME: usize = 1 << 20;

/// Both directions of a compressed connection.
#[derive(Debug, Default)]
pub struct Compressed {
    received: BytesMut,
    sequence: u8,
}

impl Compressed {
    /// Where bytes go as they arrive.
    pub fn received(&mut self) -> &mut BytesMut {
        &mut self.received
    }

    /// Takes one frame off what has arrived and appends what is in it; false: it is not complete.
    pub fn unpack(&mut self, out: &mut BytesMut) -> Result<bool, Malformed> {
        if self.received.len() < HEADER {
            return Ok(false);
        }
        let number = |at: usize| {
            let three = &self.received[at..at + 3];
            u32::from_le_bytes([three[0], three[1], three[2], 0]) as usize
        };
        let (length, whole) = (number(0), number(4));
        if self.received.len() < HEADER + length {
            self.received.reserve(HEADER + length - self.received.len());
            return Ok(false);
        }
        self.sequence = self.received[3].wrapping_add(1);
        self.received.advance(HEADER);
        let frame = self.received.split_to(length);
        if whole == 0 {
            out.extend_from_slice(&frame);
            return Ok(true);
        }
        out.reserve(whole);
        // One byte more than there may be: a frame that holds more than it says is caught.
        let limited = ZlibDecoder::new(&frame[..]).take(whole as u64 + 1);
        let mut unpacked = Vec::with_capacity(whole);
        { limited }
            .read_to_end(&mut unpacked)
            .map_err(|_| Malformed("a compressed packet cannot be unpacked"))?;
        if unpacked.len() != whole {
            return Err(Malformed("a compressed packet has another length than it says"));
        }
        out.extend_from_slice(&unpacked);
        Ok(true)
    }

    /// Bytes as they are sent.
    pub fn pack(&mut self, bytes: &[u8]) -> BytesMut {
        let mut out = BytesMut::with_capacity(bytes.len() / 2 + HEADER);
        for piece in bytes.chunks(FRAME) {
            let packed = (piece.len() >= COMPRESS_MIN).then(|| deflate(piece)).flatten();
            let packed = packed.filter(|packed| packed.len() < piece.len());
            let whole = if packed.is_some() { piece.len() } else { 0 };
            let content = packed.as_deref().unwrap_or(piece);
            out.put_uint_le(content.len() as u64, 3);
            out.put_u8(self.sequence);
            out.put_uint_le(whole as u64, 3);
            out.extend_from_slice(content);
            self.sequence = self.sequence.wrapping_add(1);
        }
        out
    }
}

fn deflate(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(bytes: &[u8], step: usize) -> Result<Vec<u8>, Malformed> {
        let (mut other, mut out) = (Compressed::default(), BytesMut::new());
        for chunk in bytes.chunks(step) {
            other.received().extend_from_slice(chunk);
            while other.unpack(&mut out)? {}
        }
        Ok(out.to_vec())
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        for length in [0, 1, COMPRESS_MIN - 1, COMPRESS_MIN, 1000, FRAME, FRAME + 1] {
            let bytes: Vec<u8> = (0..length).map(|at| (at / 7) as u8).collect();
            let packed = Compressed::default().pack(&bytes);
            assert!(packed.len() < length / 2 || length <= 1000, "{length}: {}", packed.len());
            assert!(unpacked(&packed, 1000).unwrap() == bytes, "{length}");
            assert!(unpacked(&packed, usize::MAX).unwrap() == bytes, "{length}");
        }
    }

    #[test]
    fn numbers_go_on_from_those_of_the_other_side() {
        let mut server = Compressed::default();
        let mut out = BytesMut::new();
        server.received().extend_from_slice(&[1, 0, 0, 4, 0, 0, 0, 9]);
        assert_eq!(server.unpack(&mut out), Ok(true));
        assert_eq!(&server.pack(b"x")[..], [1, 0, 0, 5, 0, 0, 0, b'x']);
        assert_eq!(&server.pack(b"y")[..], [1, 0, 0, 6, 0, 0, 0, b'y']);
    }

    #[test]
    fn a_frame_holds_what_it_says() {
        let mut packed = Compressed::default().pack(&[7; 1000]).to_vec();
        packed[4] -= 1;
        assert!(unpacked(&packed, 1000).is_err(), "more than it says");
        packed[4] += 2;
        assert!(unpacked(&packed, 1000).is_err(), "less than it says");
        assert!(unpacked(&[3, 0, 0, 0, 9, 0, 0, 1, 2, 3], 1000).is_err(), "not zlib's");
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpacked(&bytes, 50);
        }
    }
}
