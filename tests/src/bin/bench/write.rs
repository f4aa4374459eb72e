//! One acknowledged write beside pgbench with the same statements: scope, record, move and change in one transaction.

use crate::lifecycle::People;
use crate::table::{Figures, heading, line, number};
use crate::{Arguments, System, fill, load, pgbench};

/// What casework writes for a reported concern, with values of the same sizes.
const SCRIPT: &str = r"
\set n random(1, 9000000000000)
\set v random(0, 14)
begin;
set local lianxin.scope = '430199001';
with kept as (
    insert into concern (village, id, reference, matter, matter_type, text, grid, state, owner_kind, owner, routed,
                         reported_on, result, score, revision, created_at, updated_at)
    values ((430199001001 + :v)::text, lpad(to_hex((:n)::bigint), 32, '0')::uuid, 'pgbench-' || (:n)::text, 'environment', '路灯',
            '3栋后路灯不亮，晚上看不清路', '001', 'reported', 'team', '001', true, current_date, '', 0, 1, now(), now())
    returning village, id
)
insert into move (village, concern, revision, kind, to_state, actor, office, moved_at, note, owner_kind, owner)
select village, id, 1, 'reported', 'reported', 'handler.430199001001', 'clerk', now(), '', 'team', '001' from kept;
insert into change_log (village, record, revision, noun, type, event, subject, office)
values ((430199001001 + :v)::text, 'villages/430199001001/concerns/' || lpad(to_hex((:n)::bigint), 32, '0')::uuid, 1, 'concern',
        'lianxin.casework.v1.ConcernChanged', decode(repeat('00', 250), 'hex'), 'handler.430199001001', 'clerk');
commit;
";

pub(crate) async fn measure(system: &System, arguments: &Arguments) {
    heading(
        "One acknowledged write: CreateConcern, and the same SQL by pgbench with as many clients",
        &["", "a second, min / median / max", "p50 ms", "p99 ms"],
    );
    let mut owner = system.owner("casework").await;
    fill::villages(&mut owner, 15).await;
    let people = People::of(system, 15).await;
    let call = move |number| {
        let people = people.clone();
        async move { people.report(number).await.map(|_| ()) }
    };
    let (mut ours, mut theirs) = ([(); 3].map(|()| Figures::default()), [(); 3].map(|()| Figures::default()));
    let mut costs: Vec<(&str, Figures)> = Vec::new();
    let (mut rate, mut tail) = (Figures::default(), Figures::default());
    for _ in 0..arguments.times {
        // What pgbench writes is nobody's news.
        sqlx::raw_sql("alter table change_log disable trigger tell").execute(&mut owner).await.unwrap();
        let base = pgbench::run(system, "casework", SCRIPT, arguments.clients, arguments.time());
        sqlx::raw_sql("alter table change_log enable trigger tell").execute(&mut owner).await.unwrap();
        let before = system.processor();
        let met = load::closed(arguments.clients, arguments.time(), call.clone()).await.must_be_right("writes");
        fill::published(&mut owner).await;
        for (place, ((who, after), (_, before))) in system.processor().into_iter().zip(before).enumerate() {
            costs.resize(costs.len().max(place + 1), (who, Figures::default()));
            costs[place].1.add((after - before) / met.times.len() as f64);
        }
        for (figures, figure) in theirs.iter_mut().zip([base.rate, base.at(0.5), base.at(0.99)]) {
            figures.add(figure);
        }
        for (figures, figure) in ours.iter_mut().zip([met.rate(), met.at(0.5), met.at(0.99)]) {
            figures.add(figure);
        }
        rate.add(met.rate() / base.rate);
        tail.add(met.at(0.99) / base.at(0.99));
    }
    for (who, [rate, half, most]) in [("Lianxin", &ours), ("pgbench", &theirs)] {
        line(&[who.into(), rate.range(), number(half.median()), number(most.median())]);
    }
    line(&["ratio".into(), rate.range(), String::new(), number(tail.median())]);
    heading(
        "What one of these writes costs, its news and its figure included",
        &["", "µs of a processor, min / median / max"],
    );
    for (who, cost) in costs {
        line(&[who.into(), cost.range()]);
    }
}
