//! What a score is made of.

use crate::residual::RESIDUALS;
use crate::view::View;

/// What a score is made of: the views of the windows around a sample, and the residuals of the sample itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScoreComponent {
    /// A view of the windows.
    Window(View),
    /// What the past of the channel does not explain ([`crate::residual::Predictor`]).
    Prediction,
    /// What the other channels do not explain ([`crate::residual::Relation`]).
    Relation,
}

/// One value for each aspect, in the order of [`ScoreComponent::ALL`].
pub type PerComponent<T> = [T; ScoreComponent::COUNT];

impl ScoreComponent {
    /// All aspects, in the order in which they are told.
    pub const ALL: PerComponent<Self> = [
        Self::Window(View::Amplitude),
        Self::Window(View::Shape),
        Self::Window(View::Spectrum),
        Self::Window(View::Profile),
        Self::Prediction,
        Self::Relation,
    ];

    /// The number of aspects.
    pub const COUNT: usize = View::COUNT + RESIDUALS;

    /// The name of the aspect in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Window(view) => view.name(),
            Self::Prediction => "prediction",
            Self::Relation => "relation",
        }
    }
}
