//! Causal scores: no later row has a say.

use crate::common::{MINUTE, bits, part, rows, short, trained, wave, waves};
use tsad_core::score_causal;

#[test]
fn no_later_row_changes_a_score() {
    let model = trained(waves(600), short());
    let value = |i: i64| if (700..720).contains(&i) { 5.0 } else { wave(i) };
    let all = rows((0..1000).map(|i| (i * MINUTE, value(i))));
    let whole = score_causal(&model, all.clone(), &|| {}).unwrap();
    for known in [10, 500, 705, 720, 999] {
        let now = score_causal(&model, part(&all, 0, known), &|| {}).unwrap();
        assert_eq!(now.len(), known);
        assert!(
            now.iter().zip(&whole).all(|(a, b)| bits(a) == bits(b)),
            "{known} rows"
        );
        assert!(now.iter().all(|p| p.score.is_none() || p.is_final));
    }
    assert!(whole[..7].iter().all(|p| p.score.is_none()) && whole[7].score.is_some());
    assert!(whole[700..720].iter().any(|p| p.is_anomaly == Some(true)));
    for p in whole.iter().filter(|p| p.score.is_some()) {
        assert_eq!(p.is_anomaly, Some(p.p_value.unwrap() < 0.01));
    }
}
