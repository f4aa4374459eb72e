-- Handovers are listed, the latest first.
create index handover_done on handover (village, created_at desc, id desc);
