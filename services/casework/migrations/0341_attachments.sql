-- What belongs to a concern and is not words. The bytes lie in an object store under a name that is made of their content,
-- sealed; here is what they are and whose. Each object has a key of its own, which is sealed with the village's: so when that
-- is replaced, the objects stay as they are, and with a village's data key all its objects are unreadable.

-- An object that is in the store, or is about to be. Whoever uploads writes it down first and touches it, puts the object,
-- and then writes the attachment: so an object without an attachment is what somebody left behind who was cut off, or what
-- was taken away, and goes when it has not been touched for a day. Whoever deletes it holds this row while they do, so that
-- an upload of the same content waits and puts it anew.
create table stored_object (
    village            text not null,
    id                 uuid not null,
    key                text not null,        -- HMAC-SHA-256 of the content's SHA-256, under the village's key
    content_key_sealed bytea,                -- what it is sealed with; null: found in the store, and nobody knows
    touched_at         timestamptz not null,
    primary key (village, id),
    constraint stored_object_key unique (village, key)
);
select lianxin.tenant_table('stored_object');

create table attachment (
    village      text not null,
    id           uuid not null,
    parent_kind  text not null,              -- 'concern': whose id follows
    parent       uuid not null,
    role         text not null,
    kind         text not null,              -- what it is by its content
    size         bigint not null,
    sha256       bytea not null,
    name_sealed  bytea,                      -- its name where it came from
    object       text,                       -- null: it was taken away
    uploader     text not null,
    created_at   timestamptz not null,
    removed_at   timestamptz,
    revision     bigint not null,
    primary key (village, id),
    constraint attachment_object foreign key (village, object) references stored_object (village, key),
    constraint attachment_there check ((object is null) = (removed_at is not null))
);
select lianxin.tenant_table('attachment');
create index attachment_of on attachment (village, parent, id);
create index attachment_by_object on attachment (village, object) where object is not null;
