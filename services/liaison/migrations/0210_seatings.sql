-- Who held which seat, from when to when, and who stood in for whom.

create table seating (
    village    text not null,
    grid       text not null,
    seat       text not null check (seat in ('cadre', 'leader', 'representative')),
    member     uuid not null,
    office     text not null,            -- in which the seat was held
    valid_from date not null,
    valid_to   date,                     -- first day no longer held; null: until further notice
    primary key (village, grid, seat, member, valid_from),
    foreign key (village, grid) references team (village, grid),
    foreign key (village, member) references member (village, id),
    constraint seating_ends_after_it_begins check (valid_to >= valid_from),
    -- On any day a seat has one holder at most.
    constraint seating_one_a_day exclude using gist
        (village with =, grid with =, seat with =, daterange(valid_from, valid_to) with &&),
    -- On any day a representative serves one grid at most.
    constraint seating_representative_once exclude using gist
        (village with =, member with =, daterange(valid_from, valid_to) with &&) where (seat = 'representative')
);
select lianxin.tenant_table('seating');
create index seating_member on seating (village, member);
create index seating_begun on seating (village, valid_from desc, grid, seat);

-- The team's own columns go on saying who holds a seat now. Whoever held one when this table was made is taken to have held
-- it since the term began: nothing else is known, and the first links of their households say the same.
set local lianxin.scope = '*';
insert into seating (village, grid, seat, member, office, valid_from)
select team.village, team.grid, held.seat, held.member, held.office, member.term_start
  from team
 cross join lateral (values ('cadre', team.cadre, 'cadre'), ('leader', team.leader, team.leader_office),
                            ('representative', team.representative, 'representative')) as held (seat, member, office)
  join member on member.village = team.village and member.id = held.member;

-- Days on which the holder of a seat is absent. Whoever stands in has the rights of the seat meanwhile; without a stand-in
-- it is a gap. One that was called off ended on its first day.
create table absence (
    village         text not null,
    id              uuid not null,
    grid            text not null,
    seat            text not null check (seat in ('cadre', 'leader', 'representative')),
    member          uuid not null,       -- who holds the seat and is absent
    stand_in        uuid,
    stand_in_office text,
    valid_from      date not null,
    valid_to        date not null,       -- the day on which the holder is back
    primary key (village, id),
    foreign key (village, grid) references team (village, grid),
    foreign key (village, member) references member (village, id),
    foreign key (village, stand_in) references member (village, id),
    constraint absence_ends_after_it_begins check (valid_to >= valid_from),
    check ((stand_in is null) = (stand_in_office is null)),
    check (stand_in <> member),
    constraint absence_one_a_day exclude using gist
        (village with =, grid with =, seat with =, daterange(valid_from, valid_to) with &&) deferrable initially immediate
);
select lianxin.tenant_table('absence');
create index absence_days on absence (village, grid, valid_to);
create index absence_stand_in on absence (village, stand_in, valid_to) where stand_in is not null;
