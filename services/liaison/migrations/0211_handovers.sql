-- What was handed over, by whose order and why: the record of it, and what is answered to whoever asks for it twice. Links
-- and seatings themselves say what moved; this says that it was one step.
create table handover (
    village    text not null,
    id         uuid not null,
    member     uuid not null,            -- whose seats and households they were
    day        date not null,            -- the first day of those who follow
    reason     text not null,
    seats      integer not null,
    households integer not null,
    answer     bytea not null,           -- the message as it was answered: names, numbers of households, days
    subject    text not null,
    office     text not null,
    created_at timestamptz not null,
    primary key (village, id),
    foreign key (village, member) references member (village, id)
);
select lianxin.tenant_table('handover');
