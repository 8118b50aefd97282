//! Lines out of a stream of bytes, each no longer than a limit.

/// Bytes that have come in and are not taken yet. It holds at most one line of the limit and what was pushed last.
#[derive(Debug)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where no line ends.
    searched: usize,
    limit: usize,
}

/// A line that does not end within the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of more than {limit} bytes")]
pub struct TooLong {
    /// The limit, in bytes, without the line's end.
    pub limit: usize,
}

impl Lines {
    /// Lines of at most `limit` bytes, without their end.
    pub fn new(limit: usize) -> Self {
        Self {
            bytes: Vec::new(),
            start: 0,
            searched: 0,
            limit,
        }
    }

    /// Takes bytes in. Whoever pushes takes the lines out before pushing more.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole line, without its end (`\n` or `\r\n`); none when there is none yet.
    ///
    /// # Errors
    /// [`TooLong`]; what is in here is of no more use then.
    pub fn take(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let limit = self.limit;
        let found = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(found) = found else {
            self.searched = self.bytes.len();
            // One more byte may be the `\r` of the line's end.
            return match self.bytes.len() - self.start > limit + 1 {
                true => Err(TooLong { limit }),
                false => Ok(None),
            };
        };
        let end = self.searched + found;
        let line = &self.bytes[self.start..end];
        (self.start, self.searched) = (end + 1, end + 1);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.len() > limit {
            true => Err(TooLong { limit }),
            false => Ok(Some(line)),
        }
    }

    /// Whether a line has begun that has not ended.
    pub fn is_within_line(&self) -> bool {
        self.start < self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(lines: &mut Lines) -> Result<Vec<Vec<u8>>, TooLong> {
        let mut taken = Vec::new();
        while let Some(line) = lines.take()? {
            taken.push(line.to_vec());
        }
        Ok(taken)
    }

    #[test]
    fn a_line_at_the_limit_is_taken_and_a_longer_one_is_not() {
        let mut lines = Lines::new(4);
        lines.push(b"abcd\r\n\nabcd\n");
        assert_eq!(all(&mut lines).unwrap(), [&b"abcd"[..], b"", b"abcd"]);
        lines.push(b"abcde\n");
        assert_eq!(lines.take(), Err(TooLong { limit: 4 }));
    }

    #[test]
    fn a_line_without_end_is_refused_at_the_limit_and_not_kept() {
        let mut lines = Lines::new(100);
        let mut pushed = 0;
        let refused = loop {
            lines.push(&[b'x'; 10]);
            pushed += 10;
            if let Err(refused) = lines.take() {
                break refused;
            }
        };
        assert_eq!((refused, pushed), (TooLong { limit: 100 }, 110));
        assert!(lines.is_within_line());
    }

    proptest! {
        /// However the bytes are cut into pieces, the lines are those of the whole.
        #[test]
        fn pieces_do_not_matter(
            whole in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200),
            cuts in prop::collection::vec(0usize..200, 0..8),
            limit in 0usize..40,
        ) {
            let mut at_once = Lines::new(limit);
            at_once.push(&whole);
            let expected = all(&mut at_once);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let mut pieces = Lines::new(limit);
            let mut found = Ok(Vec::new());
            for pair in cuts.windows(2) {
                pieces.push(&whole[pair[0]..pair[1]]);
                match (all(&mut pieces), &mut found) {
                    (Ok(more), Ok(lines)) => lines.extend(more),
                    (Err(refused), found) => {
                        *found = Err(refused);
                        break;
                    }
                    (Ok(_), Err(_)) => unreachable!("it ends at the first"),
                }
            }
            if found.is_ok() {
                prop_assert_eq!(pieces.is_within_line(), at_once.is_within_line());
            }
            prop_assert_eq!(found, expected);
        }

        /// Every taken line is within the limit, and no more is held than a line and the last piece.
        #[test]
        fn limits_hold(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..30), 0..20)) {
            let mut lines = Lines::new(50);
            for piece in pieces {
                lines.push(&piece);
                prop_assert!(lines.bytes.len() <= 51 + 30);
                match all(&mut lines) {
                    Ok(taken) => prop_assert!(taken.iter().all(|line| line.len() <= 50)),
                    Err(_) => break,
                }
            }
        }
    }
}
