//! Five times more than can be served, for half a minute: nothing wrong, refusals quick and with when to come again, and
//! soon after it as before.

use std::time::Duration;

use crate::lifecycle::People;
use crate::table::{heading, line, number};
use crate::{Arguments, System, fill, load};

const LASTS: Duration = Duration::from_secs(30);
/// After so long it has to be as before.
const RECOVERS: Duration = Duration::from_secs(10);

pub(crate) async fn measure(system: &System, arguments: &Arguments) {
    heading(
        "Burst: CreateConcern at five times the rate that can be served, for 30 s",
        &["", "called a second", "answered a second", "refused", "a refusal took p99 ms", "wrong", "p50 ms", "p95 ms"],
    );
    let mut owner = system.owner("casework").await;
    fill::villages(&mut owner, 15).await;
    let people = People::of(system, 15).await;
    let call = move |number| {
        let people = people.clone();
        async move { people.report(number).await.map(|_| ()) }
    };
    let most = load::closed(arguments.clients, arguments.time(), call.clone()).await.rate();
    let show = |when: &str, rate: f64, met: &load::Met| {
        line(&[
            when.into(),
            number(rate),
            number(met.rate()),
            met.refusals.len().to_string(),
            number(met.refusals.value_at_quantile(0.99) as f64 / 1000.0),
            met.wrong.len().to_string(),
            number(met.at(0.5)),
            number(met.at(0.95)),
        ]);
    };
    let half = load::open(most / 2.0, RECOVERS, call.clone()).await;
    show("before", most / 2.0, &half);
    let burst = load::open(most * 5.0, LASTS, call.clone()).await;
    show("burst", most * 5.0, &burst);
    let first = load::open(most / 2.0, RECOVERS, call.clone()).await;
    show("the 10 s after it", most / 2.0, &first);
    let then = load::open(most / 2.0, RECOVERS, call).await;
    show("and the next 10 s", most / 2.0, &then);
    burst.must_be_right("burst");
}
