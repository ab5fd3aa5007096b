# shellcheck shell=bash
# Holds every column of every row of a source table against its target. Sourced by demo.sh.
#
# Both sides are written out as tab-separated text in key order and must be the same bytes. Text differs in three
# places for the same value, and is made equal there: arrays (JSON on both sides), timestamps (six digits, UTC)
# and the quote, which ClickHouse escapes in tab-separated text and PostgreSQL does not.

# The columns of TABLE as text, for one side's SELECT list: columns_for source|target TABLE.
columns_for() {
  source_sql shop -v side="$1" -v table="$2" <<'SQL'
SELECT string_agg(CASE
    WHEN typcategory = 'A' AND :'side' = 'source' THEN format('to_json(%I)', attname)
    WHEN typcategory = 'A' THEN format('toJSONString(%I)', attname)
    WHEN typname = 'timestamptz' AND :'side' = 'source'
      THEN format($$to_char(%I AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')$$, attname)
    WHEN typname = 'bool' AND :'side' = 'source' THEN format('%I::text', attname)
    ELSE format('%I', attname) END, ', ' ORDER BY attnum)
FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
WHERE attrelid = :'table'::regclass AND attnum > 0 AND NOT attisdropped
SQL
}

export_source() {
  source_sql shop -c "COPY (SELECT $(columns_for source "$1") FROM $1 ORDER BY id) TO STDOUT"
}

export_target() {
  clickhouse "SELECT $(columns_for target "$1") FROM $1 FINAL ORDER BY id FORMAT TSV
    SETTINGS output_format_decimal_trailing_zeros = 1" | sed "s/\\\\'/'/g"
}

# compare_table TABLE DIR: prints one line when they are the same; what differs, and failure, when not.
compare_table() {
  local table=$1 source=$2/$1.source target=$2/$1.target rows
  export_source "$table" >"$source" || die "the source table $table could not be read"
  export_target "$table" >"$target" || die "the target table $table could not be read: $(tail -c 500 "$target")"
  if ! cmp -s "$source" "$target"; then
    echo "demo: $table differs (< PostgreSQL, > ClickHouse):" >&2
    diff "$source" "$target" | head -n 10 >&2 || true
    return 1
  fi
  rows=$(wc -l <"$source")
  printf '  %-10s %12s rows, all columns the same   md5 %s\n' "$table" "$(thousands "$rows")" "$(md5sum <"$source" | cut -c1-12)"
  rm -f "$source" "$target"
}
