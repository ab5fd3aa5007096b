#include "dataplane/postgres/pgoutput.hpp"

#include <fmt/format.h>

#include "dataplane/postgres/byte_reader.hpp"

namespace penstock::postgres::pgoutput {
namespace {

Lsn take_lsn(ByteReader& in) {
  return Lsn{in.u64()};
}

// In protocol 1 every value that follows is taken in the order of its struct's members, except where noted.

Begin take_begin(ByteReader& in) {
  Begin out;
  out.final_lsn = take_lsn(in);
  out.commit_time = in.i64();
  out.xid = in.u32();
  return out;
}

Commit take_commit(ByteReader& in) {
  in.u8();  // flags, none are defined
  Commit out;
  out.commit_lsn = take_lsn(in);
  out.end_lsn = take_lsn(in);
  out.commit_time = in.i64();
  return out;
}

Origin take_origin(ByteReader& in) {
  Origin out;
  out.lsn = take_lsn(in);
  out.name = in.text();
  return out;
}

Message take_message(ByteReader& in) {
  Message out;
  out.transactional = (in.u8() & 1) != 0;
  out.lsn = take_lsn(in);
  out.prefix = in.text();
  out.content = in.bytes(in.i32());
  return out;
}

// A namespace is empty for pg_catalog.
std::string_view or_catalog(std::string_view schema) {
  return schema.empty() ? "pg_catalog" : schema;
}

TypeName take_type(ByteReader& in) {
  TypeName out;
  out.oid = in.u32();
  out.schema = or_catalog(in.text());
  out.name = in.text();
  return out;
}

Relation take_relation(ByteReader& in) {
  Relation out;
  out.id = in.u32();
  out.schema = or_catalog(in.text());
  out.name = in.text();
  out.replica_identity = static_cast<char>(in.u8());
  const auto count = in.i16();
  for (int column = 0; column < count && in.ok(); ++column) {
    auto& one = out.columns.emplace_back();
    one.key = (in.u8() & 1) != 0;
    one.name = in.text();
    one.type = in.u32();
    one.typmod = in.i32();
  }
  if (count < 0) in.bytes(-1);
  return out;
}

void take_field(ByteReader& in, Field& out) {
  const auto kind = static_cast<Field::Kind>(in.u8());
  out.kind = kind;
  out.bytes = {};
  switch (kind) {
    case Field::Kind::Null:
    case Field::Kind::Unchanged:
      return;
    case Field::Kind::Text:
    case Field::Kind::Binary:
      out.bytes = in.bytes(in.i32());
      return;
  }
  out.kind = Field::Kind::Null;
  in.bytes(-1);
}

void take_tuple(ByteReader& in, Tuple& out) {
  const auto count = in.i16();
  // A field is a byte at least: a count that lies does not make us allocate.
  if (count < 0 || static_cast<std::size_t>(count) > in.left()) {
    in.bytes(-1);
    return;
  }
  out.resize(static_cast<std::size_t>(count));
  for (auto& field : out)
    take_field(in, field);
}

Truncate take_truncate(ByteReader& in) {
  Truncate out;
  const auto count = in.i32();
  const auto options = in.u8();
  out.cascade = (options & 1) != 0;
  out.restart_identity = (options & 2) != 0;
  if (count < 0) in.bytes(-1);
  for (std::int32_t at = 0; at < count && in.ok(); ++at)
    out.relations.push_back(in.u32());
  return out;
}

Insert take_insert(ByteReader& in, Tuple& fresh) {
  Insert out;
  out.relation = in.u32();
  if (in.u8() != 'N') in.bytes(-1);
  take_tuple(in, fresh);
  return out;
}

OldTuple take_old(ByteReader& in, std::uint8_t marker, Tuple& old) {
  if (marker != 'K' && marker != 'O') return OldTuple::None;
  take_tuple(in, old);
  return static_cast<OldTuple>(marker);
}

Update take_update(ByteReader& in, Tuple& old, Tuple& fresh) {
  Update out;
  out.relation = in.u32();
  auto marker = in.u8();
  out.old = take_old(in, marker, old);
  if (out.old != OldTuple::None) marker = in.u8();
  if (marker != 'N') in.bytes(-1);
  take_tuple(in, fresh);
  return out;
}

Delete take_delete(ByteReader& in, Tuple& old) {
  Delete out;
  out.relation = in.u32();
  out.old = take_old(in, in.u8(), old);
  if (out.old == OldTuple::None) in.bytes(-1);
  return out;
}

tl::unexpected<Error> malformed(char kind, std::size_t size) {
  const bool letter = kind >= 'A' && kind <= 'z';
  return fail(
      ErrorKind::Internal, "MalformedPgoutput",
      fmt::format("a pgoutput message of kind {} and {} bytes is not of protocol version 1",
                  letter ? std::string(1, kind) : fmt::format("0x{:02x}", static_cast<unsigned char>(kind)),
                  size));
}

}  // namespace

Result<Change> Parser::parse(std::string_view message) {
  old_.clear();
  new_.clear();
  if (message.empty()) return malformed('\0', 0);
  ByteReader in(message.substr(1));
  const auto whole = [&](auto change) -> Result<Change> {
    if (in.finished()) return Change(std::move(change));
    old_.clear();
    new_.clear();
    return malformed(message.front(), message.size());
  };
  switch (message.front()) {
    case 'I':
      return whole(take_insert(in, new_));
    case 'U':
      return whole(take_update(in, old_, new_));
    case 'D':
      return whole(take_delete(in, old_));
    case 'B':
      return whole(take_begin(in));
    case 'C':
      return whole(take_commit(in));
    case 'R':
      return whole(take_relation(in));
    case 'Y':
      return whole(take_type(in));
    case 'T':
      return whole(take_truncate(in));
    case 'O':
      return whole(take_origin(in));
    case 'M':
      return whole(take_message(in));
    default:
      return malformed(message.front(), message.size());
  }
}

}  // namespace penstock::postgres::pgoutput
