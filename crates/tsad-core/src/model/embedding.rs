//! The learned part of a window length: centres in the embedding.

use super::phase::AlignmentCorrection;
use crate::cluster::Centres;
use crate::view::{Extractor, PerView};

/// The normal windows of one length in the embedding.
#[derive(Debug, Clone, PartialEq)]
pub struct EmbeddingModel {
    /// Centres of the embeddings.
    pub centres: PerView<Centres>,
    /// What a learned log distance is multiplied by before it is added to that of the plain view, 0 or more: the
    /// ratio of their spreads, so that both weigh the same.
    pub gains: PerView<f32>,
    /// How far normal unaligned windows lie, in what is added.
    pub alignment: PerView<AlignmentCorrection>,
}

/// The largest number of features of each view at any of the lengths.
pub(crate) fn common_dims(lengths: impl Iterator<Item = usize>) -> PerView<usize> {
    let mut dims = PerView::default();
    for length in lengths {
        for (most, dim) in dims.iter_mut().zip(Extractor::dims_of(length)) {
            *most = dim.max(*most);
        }
    }
    dims
}
