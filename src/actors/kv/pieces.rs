//! Work over many keys, in pieces: whoever else uses the thread gets on between two of them.

/// So many keys are a piece: well below 100 µs.
const KEYS: usize = 256;

/// Counts keys.
#[derive(Debug, Default)]
pub(super) struct Pieces(usize);

impl Pieces {
    /// One more key. After a piece, others go first.
    pub(super) async fn count(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(KEYS) {
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn others_get_on_in_between() {
        let others = Cell::new(0);
        let beside = async {
            loop {
                others.set(others.get() + 1);
                tokio::task::yield_now().await;
            }
        };
        let mut pieces = Pieces::default();
        let counting = async {
            for _ in 0..10 * KEYS {
                pieces.count().await;
            }
        };
        tokio::select! {
            biased;
            () = counting => {}
            () = beside => unreachable!("it goes on for ever"),
        }
        assert_eq!(others.get(), 10);
    }
}
