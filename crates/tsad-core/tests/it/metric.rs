//! The learned part through the public interface: determinism, bytes, what the model says of it.

use crate::common::{bits, scored, trained, waves};
use tsad_core::{Model, Params, Samples};

fn params(seed: u64) -> Params {
    Params {
        scales: vec![16, 32],
        metric: true,
        seed,
        ..Params::default()
    }
}

fn reversed(rows: &Samples) -> Samples {
    let mut out = Samples::new(rows.channels()).unwrap();
    for i in (0..rows.len()).rev() {
        out.push(rows.times()[i], rows.row(i)).unwrap();
    }
    out
}

#[test]
fn the_same_rows_in_any_order_give_the_same_bytes() {
    let one = trained(waves(1500), params(3)).to_bytes().unwrap();
    let other = trained(reversed(&waves(1500)), params(3)).to_bytes().unwrap();
    assert!(one == other);
}

#[test]
fn a_model_with_a_metric_survives_its_bytes() {
    let model = trained(waves(1500), params(0));
    let state = model.info(0).metric;
    assert!(["learned", "no_better"].contains(&state), "{state}");
    let read = Model::from_bytes(&model.to_bytes().unwrap()).unwrap();
    assert_eq!(read, model);
    let (a, b) = (scored(&model, &waves(2000)), scored(&read, &waves(2000)));
    assert!(a.iter().zip(&b).all(|(a, b)| bits(a) == bits(b)));
}

#[test]
fn without_it_the_model_says_so() {
    let model = trained(waves(400), Params::default());
    assert_eq!(model.info(0).metric, "not_wanted");
}
