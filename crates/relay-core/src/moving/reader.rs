//! Sections to bytes and back, with the digest over all of them; holds one section at a time.

use super::Fault;
use super::section::{MAGIC, SECTION_BYTES_MAX, Section, Totals};
use crate::environment::LogSigner;
use bytes::Bytes;
use relay_proto::hash::Domain;
use relay_proto::ids::{Hash, Signature};
use relay_proto::wire::Writer;
use sha2::{Digest, Sha256};
use std::io::Read;

/// Sections to bytes.
pub struct SectionWriter {
    digest: Sha256,
    entries: u64,
}

impl SectionWriter {
    /// A new file; its first bytes are appended.
    pub fn begin(out: &mut Vec<u8>) -> Self {
        let mut digest = Sha256::new();
        digest.update(MAGIC);
        out.extend_from_slice(&MAGIC);
        Self { digest, entries: 0 }
    }

    /// Appends a section.
    pub fn append(&mut self, section: &Section, out: &mut Vec<u8>) {
        self.entries += u64::from(matches!(section, Section::Entry { .. }));
        let mut w = Writer::new();
        section.write(&mut w);
        self.digest.update(w.as_slice());
        out.extend_from_slice(w.as_slice());
    }

    /// Appends the last section, signed.
    pub fn end(self, signer: &dyn LogSigner, out: &mut Vec<u8>) {
        let digest = Hash(self.digest.finalize().into());
        let signature = Signature(signer.sign(&[Domain::SpaceExport.tag(), &digest.0].concat()));
        let mut w = Writer::new();
        Section::End(Totals { entries: self.entries, digest, signature }).write(&mut w);
        out.extend_from_slice(w.as_slice());
    }
}

/// Bytes to sections.
pub struct SectionReader<R> {
    from: R,
    digest: Sha256,
    sections: u64,
    is_over: bool,
}

impl<R: Read> SectionReader<R> {
    /// Reads the magic.
    ///
    /// # Errors
    /// [`Fault`] when it is another one.
    pub fn open(mut from: R) -> Result<Self, Fault> {
        let mut magic = [0; MAGIC.len()];
        from.read_exact(&mut magic).map_err(|error| cut_or(error, 0))?;
        if magic != MAGIC {
            return Err(Fault::Broken { section: 0, what: "it is no exported space of this version" });
        }
        let mut digest = Sha256::new();
        digest.update(magic);
        Ok(Self { from, digest, sections: 0, is_over: false })
    }

    /// Sections read so far.
    pub const fn sections(&self) -> u64 {
        self.sections
    }

    /// The next section; `None` behind the last one, which holds the digest of what was read before it.
    ///
    /// # Errors
    /// [`Fault`] when the file is cut, or breaks the grammar.
    pub fn next_section(&mut self) -> Result<Option<Section>, Fault> {
        if self.is_over {
            return self.nothing_behind().map(|()| None);
        }
        self.sections += 1;
        let mut header = [0; 5];
        self.from.read_exact(&mut header).map_err(|error| cut_or(error, self.sections))?;
        let [kind, a, b, c, d] = header;
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length > SECTION_BYTES_MAX {
            return Err(self.broken("it is longer than any section may be"));
        }
        let mut body = Vec::new();
        let taken = (&mut self.from).take(u64::try_from(length).unwrap_or(u64::MAX)).read_to_end(&mut body);
        if taken.map_err(Fault::Read)? < length {
            return Err(self.broken("the file ends inside it"));
        }
        let body = Bytes::from(body);
        let section = Section::read(kind, &body).ok_or_else(|| self.broken("it breaks the grammar"))?;
        if let Section::End(totals) = &section {
            self.is_over = true;
            if Hash(self.digest.clone().finalize().into()) != totals.digest {
                return Err(self.broken("the digest is not that of the file: bytes were changed"));
            }
        }
        self.digest.update(header);
        self.digest.update(&body);
        Ok(Some(section))
    }

    fn nothing_behind(&mut self) -> Result<(), Fault> {
        let mut byte = [0; 1];
        match self.from.read(&mut byte).map_err(Fault::Read)? {
            0 => Ok(()),
            _ => Err(self.broken("there are bytes behind the last section")),
        }
    }

    const fn broken(&self, what: &'static str) -> Fault {
        Fault::Broken { section: self.sections, what }
    }
}

fn cut_or(error: std::io::Error, section: u64) -> Fault {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        return Fault::Broken { section, what: "the file ends before it" };
    }
    Fault::Read(error)
}
