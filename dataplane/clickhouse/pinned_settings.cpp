#include "dataplane/clickhouse/pinned_settings.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <set>

namespace penstock::clickhouse {
namespace {

// Names and defaults: ClickHouse docs, "Session settings" and "Format settings". The limits are those of
// people's queries; what guards the server itself (max_memory_usage, max_threads, quotas) stays the user's,
// as does how durable an insert is (insert_quorum, select_sequential_consistency).

constexpr std::array kEveryStatement = {
    // How the statement is read.
    PinnedSetting{"dialect", "clickhouse", "takes statements for another language"},
    PinnedSetting{"max_query_size", "16777216", "refuses the statements of wide tables"},
    PinnedSetting{"max_ast_depth", "1000", "refuses our statements"},
    PinnedSetting{"max_ast_elements", "1000000", "refuses the statements of wide tables"},
    PinnedSetting{"max_expanded_ast_elements", "10000000", "refuses the statements of wide tables"},
    PinnedSetting{"max_parser_depth", "1000", "refuses our statements"},
    PinnedSetting{"max_parser_backtracks", "1000000", "refuses our statements"},
    PinnedSetting{"max_subquery_depth", "100", "refuses our statements"},
    PinnedSetting{"session_timezone", "", "moves times"},
    PinnedSetting{"date_time_input_format", "basic", "reads times in another way"},
    // Which rows a SELECT finds, also that of an INSERT … SELECT.
    PinnedSetting{"limit", "0", "cuts results"},
    PinnedSetting{"offset", "0", "cuts results"},
    PinnedSetting{"final", "0", "hides deleted rows"},
    PinnedSetting{"additional_table_filters", "{}", "hides rows"},
    PinnedSetting{"additional_result_filter", "", "hides rows"},
    PinnedSetting{"apply_deleted_mask", "1", "shows rows that were deleted in ClickHouse"},
    PinnedSetting{"do_not_merge_across_partitions_select_final", "0", "shows older versions of rows"},
    PinnedSetting{"optimize_move_to_prewhere_if_final", "0", "shows older versions of rows"},
    PinnedSetting{"use_skip_indexes_if_final", "0", "shows older versions of rows"},
    PinnedSetting{"use_query_cache", "0", "answers with results of before"},
    // What expressions mean.
    PinnedSetting{"aggregate_functions_null_for_empty", "0", "makes NULL of what nothing was found for"},
    PinnedSetting{"empty_result_for_aggregation_by_empty_set", "0", "makes counts of nothing vanish"},
    PinnedSetting{"cast_keep_nullable", "0", "makes other types"},
    PinnedSetting{"data_type_default_nullable", "0", "makes every column Nullable"},
    PinnedSetting{"group_by_use_nulls", "0", "makes other types"},
    PinnedSetting{"join_use_nulls", "0", "makes other types"},
    PinnedSetting{"prefer_column_name_to_alias", "0", "reads other columns than are meant"},
    PinnedSetting{"transform_null_in", "0", "compares NULL in another way"},
    PinnedSetting{"union_default_mode", "", "leaves out rows"},
    // Limits that end a statement, or, in their mode `break`, its rows.
    PinnedSetting{"max_execution_time", "0", "ends statements that take long"},
    PinnedSetting{"max_estimated_execution_time", "0", "ends statements that take long"},
    PinnedSetting{"timeout_overflow_mode", "throw", "cuts results"},
    PinnedSetting{"min_execution_speed", "0", "ends statements that wait for the source"},
    PinnedSetting{"min_execution_speed_bytes", "0", "ends statements that wait for the source"},
    PinnedSetting{"max_rows_to_read", "0", "ends statements over large tables"},
    PinnedSetting{"max_bytes_to_read", "0", "ends statements over large tables"},
    PinnedSetting{"read_overflow_mode", "throw", "cuts results"},
    PinnedSetting{"max_rows_to_read_leaf", "0", "ends statements over large tables"},
    PinnedSetting{"max_bytes_to_read_leaf", "0", "ends statements over large tables"},
    PinnedSetting{"read_overflow_mode_leaf", "throw", "cuts results"},
    PinnedSetting{"max_rows_to_group_by", "0", "ends statements over large tables"},
    PinnedSetting{"group_by_overflow_mode", "throw", "cuts results"},
    PinnedSetting{"max_rows_to_sort", "0", "ends statements over large tables"},
    PinnedSetting{"max_bytes_to_sort", "0", "ends statements over large tables"},
    PinnedSetting{"sort_overflow_mode", "throw", "cuts results"},
    PinnedSetting{"max_rows_in_distinct", "0", "ends statements over large tables"},
    PinnedSetting{"max_bytes_in_distinct", "0", "ends statements over large tables"},
    PinnedSetting{"distinct_overflow_mode", "throw", "cuts results"},
    PinnedSetting{"max_rows_in_set", "0", "ends statements over large tables"},
    PinnedSetting{"max_bytes_in_set", "0", "ends statements over large tables"},
    PinnedSetting{"set_overflow_mode", "throw", "cuts results"},
    PinnedSetting{"max_columns_to_read", "0", "ends statements over wide tables"},
    PinnedSetting{"max_temporary_columns", "0", "ends statements over wide tables"},
    PinnedSetting{"max_temporary_non_const_columns", "0", "ends statements over wide tables"},
    PinnedSetting{"max_partitions_to_read", "-1", "ends statements over many partitions"},
    PinnedSetting{"force_index_by_date", "0", "refuses statements over whole tables"},
    PinnedSetting{"force_primary_key", "0", "refuses statements over whole tables"},
    PinnedSetting{"force_optimize_projection", "0", "refuses statements over whole tables"},
    PinnedSetting{"force_optimize_projection_name", "", "refuses statements over whole tables"},
    // What is inserted, by a block or by a SELECT.
    PinnedSetting{"max_partitions_per_insert_block", "0", "refuses rows of many partitions"},
    PinnedSetting{"deduplicate_insert", "enable", "writes a block twice that is sent again"},
    PinnedSetting{"input_format_native_allow_types_conversion", "1", "refuses blocks"},
    PinnedSetting{"input_format_native_decode_types_in_binary_format", "0", "takes blocks for broken"},
    // The answer's form.
    PinnedSetting{"send_progress_in_http_headers", "0", "begins an answer before its outcome is known"},
};

constexpr std::array kSelect = {
    PinnedSetting{"max_result_rows", "0", "ends statements with large results"},
    PinnedSetting{"max_result_bytes", "0", "ends statements with large results"},
    PinnedSetting{"result_overflow_mode", "throw", "cuts results"},
    PinnedSetting{"extremes", "0", "adds rows to results"},
    PinnedSetting{"output_format_tsv_crlf_end_of_line", "0", "writes rows in another way"},
    PinnedSetting{"format_tsv_null_representation", "\\N", "writes NULL in another way"},
    PinnedSetting{"bool_true_representation", "true", "writes values in another way"},
    PinnedSetting{"bool_false_representation", "false", "writes values in another way"},
    PinnedSetting{"date_time_output_format", "simple", "writes times in another way"},
    PinnedSetting{"output_format_decimal_trailing_zeros", "0", "writes numbers in another way"},
};

constexpr std::array kInsert = {
    PinnedSetting{"async_insert", "0", "acknowledges rows before they are written"},
    PinnedSetting{"wait_for_async_insert", "1", "acknowledges rows before they are written"},
    PinnedSetting{"insert_deduplicate", "1", "writes a block twice that is sent again"},
    PinnedSetting{"input_format_null_as_default", "0", "makes 0 of NULL"},
    PinnedSetting{"input_format_defaults_for_omitted_fields", "1", "leaves columns without their defaults"},
};

void add(Settings& out, std::span<const PinnedSetting> pinned) {
  for (const auto& one : pinned)
    out.emplace(one.name, one.value);
}

/// Where `name` stands in `text` as a word of its own.
std::size_t find_word(std::string_view text, std::string_view name) {
  const auto in_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const auto end = at + name.size();
    if ((at == 0 || !in_word(text[at - 1])) && (end == text.size() || !in_word(text[end]))) return at;
  }
  return std::string_view::npos;
}

struct Noted {
  std::mutex mutex;
  std::map<std::string, std::set<std::string>> by_url;
};

Noted& noted() {
  static Noted all;
  return all;
}

}  // namespace

Settings pinned_settings(StatementKind kind) {
  Settings out;
  add(out, kEveryStatement);
  if (kind == StatementKind::Select) add(out, kSelect);
  if (kind == StatementKind::Insert) add(out, kInsert);
  return out;
}

Settings all_pinned_settings() {
  Settings out = pinned_settings(StatementKind::Select);
  add(out, kInsert);
  return out;
}

const PinnedSetting* pinned_setting_in(std::string_view message) {
  using Some = std::span<const PinnedSetting>;
  const PinnedSetting* first = nullptr;
  auto place = std::string_view::npos;
  for (const auto some : {Some(kEveryStatement), Some(kSelect), Some(kInsert)})
    for (const auto& one : some) {
      // `limit` is a word of other messages too: a setting's name stands in quotes, or behind "Setting".
      const auto at = std::min(find_word(message, "'" + std::string(one.name) + "'"),
                               find_word(message, "Setting " + std::string(one.name)));
      if (at >= place) continue;
      place = at;
      first = &one;
    }
  return first;
}

bool UnknownSettings::note(const std::string& url, std::string_view message, const Settings& sent) {
  const auto* setting = pinned_setting_in(message);
  if (setting == nullptr || !sent.contains(setting->name)) return false;
  auto& all = noted();
  const std::lock_guard lock(all.mutex);
  all.by_url[url].insert(setting->name);
  return true;
}

void UnknownSettings::drop(const std::string& url, Settings& settings) {
  auto& all = noted();
  const std::lock_guard lock(all.mutex);
  const auto at = all.by_url.find(url);
  if (at == all.by_url.end()) return;
  for (const auto& name : at->second)
    settings.erase(name);
}

}  // namespace penstock::clickhouse
