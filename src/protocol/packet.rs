//! Frames: three bytes of length, one of sequence, then the payload.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Length of a frame's header.
pub const HEADER: usize = 4;
/// The largest payload of one frame; one of exactly this size is followed by another frame.
pub const FRAME_MAX: usize = 0xff_ffff;

/// What a stream of frames can be, instead of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Larger than the server allows. The client is told (1153), and its connection ends.
    #[error("packet is larger than max_allowed_packet ({0} bytes)")]
    TooLarge(usize),
    /// A frame has the wrong number. The client is told (1156), and its connection ends.
    #[error("packets out of order: expected {expected}, got {got}")]
    OutOfOrder {
        /// The number that was due.
        expected: u8,
        /// The number that came.
        got: u8,
    },
}

/// A packet put together from its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Its bytes.
    pub payload: Bytes,
    /// The number that the answer's first frame takes.
    pub next_sequence: u8,
}

/// Puts packets together from bytes as they arrive.
#[derive(Debug)]
pub struct PacketReader {
    sequence: u8,
    whole: BytesMut,
    in_packet: bool,
    max_packet: usize,
}

impl PacketReader {
    /// A reader that refuses packets over `max_packet` bytes.
    pub fn new(max_packet: usize) -> PacketReader {
        PacketReader { sequence: 0, whole: BytesMut::new(), in_packet: false, max_packet }
    }

    /// From now on packets may have so many bytes.
    pub fn set_max_packet(&mut self, max_packet: usize) {
        self.max_packet = max_packet;
    }

    /// Whether none of the frames of a packet has been taken yet.
    pub fn is_between(&self) -> bool {
        !self.in_packet
    }

    /// How many bytes there are of a packet that goes on in the next frame.
    pub fn begun(&self) -> usize {
        self.whole.len()
    }

    /// The number the next frame must have: 0 for a command, the next one within an authentication.
    pub fn expect_sequence(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    /// Takes the next packet off `buffer`; `None` when more bytes are needed.
    pub fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Packet>, Error> {
        loop {
            if buffer.len() < HEADER {
                return Ok(None);
            }
            let length = u32::from_le_bytes([buffer[0], buffer[1], buffer[2], 0]) as usize;
            // Refused before it is buffered, or a client could fill the server's memory.
            if self.whole.len() + length > self.max_packet {
                return Err(Error::TooLarge(self.max_packet));
            }
            if buffer[3] != self.sequence {
                return Err(Error::OutOfOrder { expected: self.sequence, got: buffer[3] });
            }
            if buffer.len() < HEADER + length {
                buffer.reserve(HEADER + length - buffer.len());
                return Ok(None);
            }
            buffer.advance(HEADER);
            self.sequence = self.sequence.wrapping_add(1);
            let frame = buffer.split_to(length);
            if length == FRAME_MAX {
                self.whole.unsplit(frame);
                self.in_packet = true;
                continue;
            }
            let payload = if self.in_packet {
                self.whole.unsplit(frame);
                self.in_packet = false;
                std::mem::take(&mut self.whole).freeze()
            } else {
                frame.freeze()
            };
            return Ok(Some(Packet { payload, next_sequence: self.sequence }));
        }
    }
}

/// Writes packets, framed and numbered, into one buffer that goes out in one write.
#[derive(Debug)]
pub struct PacketWriter {
    buffer: BytesMut,
    sequence: u8,
    start: usize,
}

impl PacketWriter {
    /// A writer whose first frame has this number.
    pub fn new(sequence: u8) -> PacketWriter {
        PacketWriter { buffer: BytesMut::with_capacity(1024), sequence, start: 0 }
    }

    /// The number of the next frame.
    pub fn sequence(&self) -> u8 {
        self.sequence
    }

    /// From now on frames are numbered from here: others were sent in between.
    pub fn set_sequence(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    /// Bytes waiting to be taken.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Takes what is complete; the numbers go on.
    pub fn take(&mut self) -> Bytes {
        self.buffer.split().freeze()
    }

    /// Writes one packet: `body` appends its payload.
    pub fn packet<T>(&mut self, body: impl FnOnce(&mut BytesMut) -> T) -> T {
        self.begin();
        let value = body(&mut self.buffer);
        self.end();
        value
    }

    /// Starts a packet; its payload is appended to [`PacketWriter::payload`].
    pub fn begin(&mut self) {
        self.start = self.buffer.len();
        self.buffer.put_u32_le(0);
    }

    /// Where the payload of the packet begun goes.
    pub fn payload(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Gives a packet that was begun up.
    pub fn abandon(&mut self) {
        self.buffer.truncate(self.start);
    }

    /// Ends the packet begun.
    pub fn end(&mut self) {
        let length = self.buffer.len() - self.start - HEADER;
        if length < FRAME_MAX {
            self.header(self.start, length);
        } else {
            self.split(length);
        }
    }

    fn header(&mut self, at: usize, length: usize) {
        let header = (length as u32) | (u32::from(self.sequence) << 24);
        self.buffer[at..at + HEADER].copy_from_slice(&header.to_le_bytes());
        self.sequence = self.sequence.wrapping_add(1);
    }

    fn split(&mut self, length: usize) {
        let payload = self.buffer.split_off(self.start + HEADER);
        self.buffer.truncate(self.start);
        let mut at = 0;
        loop {
            let frame = (length - at).min(FRAME_MAX);
            let header_at = self.buffer.len();
            self.buffer.put_u32_le(0);
            self.buffer.extend_from_slice(&payload[at..at + frame]);
            self.header(header_at, frame);
            at += frame;
            if frame < FRAME_MAX {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], max: usize, step: usize) -> Result<Vec<Packet>, Error> {
        let (mut reader, mut buffer, mut packets) =
            (PacketReader::new(max), BytesMut::new(), Vec::new());
        for chunk in bytes.chunks(step) {
            buffer.extend_from_slice(chunk);
            while let Some(packet) = reader.next(&mut buffer)? {
                reader.expect_sequence(packet.next_sequence);
                packets.push(packet);
            }
        }
        Ok(packets)
    }

    #[test]
    fn packets_of_every_length_round_trip() {
        for length in [0, 1, 250, FRAME_MAX - 1, FRAME_MAX, FRAME_MAX + 1, 2 * FRAME_MAX] {
            let mut writer = PacketWriter::new(0);
            let payload: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            writer.packet(|out| out.extend_from_slice(&payload));
            writer.packet(|out| out.put_u8(7));
            let packets = read(&writer.take(), usize::MAX / 2, 1 << 20).unwrap();
            assert_eq!(packets.len(), 2);
            assert!(packets[0].payload == payload, "length {length}");
            assert_eq!(packets[1].payload, vec![7]);
            assert_eq!(usize::from(packets[1].next_sequence), length / FRAME_MAX + 2);
        }
    }

    #[test]
    fn bytes_may_come_one_by_one() {
        let mut writer = PacketWriter::new(0);
        writer.packet(|out| out.extend_from_slice(b"one"));
        writer.packet(|out| out.extend_from_slice(b"two"));
        let packets = read(&writer.take(), 100, 1).unwrap();
        assert_eq!(
            packets.iter().map(|p| p.payload.as_ref()).collect::<Vec<_>>(),
            [b"one", b"two"]
        );
    }

    #[test]
    fn too_large_is_refused_from_its_header_alone() {
        let header = [0xff, 0xff, 0xff, 0];
        assert_eq!(read(&header, 1 << 20, 4), Err(Error::TooLarge(1 << 20)));
    }

    #[test]
    fn a_wrong_number_is_refused() {
        assert_eq!(read(&[1, 0, 0, 5, 9], 100, 5), Err(Error::OutOfOrder { expected: 0, got: 5 }));
    }

    #[test]
    fn an_abandoned_packet_leaves_no_trace() {
        let mut writer = PacketWriter::new(3);
        writer.begin();
        writer.payload().extend_from_slice(b"half");
        writer.abandon();
        writer.packet(|out| out.put_u8(1));
        assert_eq!(writer.take(), vec![1, 0, 0, 3, 1]);
    }
}
