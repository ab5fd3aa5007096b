#include "controller/engine/chdb_connection.hpp"

namespace penstock::engine {
namespace {

// The parallel arrays in which the C interface takes query parameters; views into what it is made from.
struct ParameterArrays {
  std::vector<const char*> names;
  std::vector<std::size_t> name_lengths;
  std::vector<const char*> values;
  std::vector<std::size_t> value_lengths;

  explicit ParameterArrays(const QueryParameters& parameters) {
    for (const auto& [name, value] : parameters) {
      names.push_back(name.data());
      name_lengths.push_back(name.size());
      values.push_back(value.data());
      value_lengths.push_back(value.size());
    }
  }
};

StatementSummary summary_of(const ChdbApi& api, ChdbResult* result) {
  return {api.rows_read(result),     api.bytes_read(result),  api.rows_written(result),
          api.bytes_written(result), api.result_rows(result), api.result_bytes(result)};
}

}  // namespace

StatementResult::StatementResult(const ChdbApi& api, ChdbResult* result)
    : api_(&api), result_(result, api.destroy_result) {}

std::string_view StatementResult::output() const {
  const std::size_t length = api_->result_length(result_.get());
  return length == 0 ? std::string_view() : std::string_view(api_->result_buffer(result_.get()), length);
}

StatementSummary StatementResult::summary() const {
  return summary_of(*api_, result_.get());
}

InsertStream::InsertStream(const ChdbApi& api, ChdbInsertStream* stream)
    : api_(&api), stream_(stream, api.destroy_insert) {}

std::optional<ServerError> InsertStream::error() const {
  const char* const text = api_->insert_error(stream_.get());
  return text == nullptr ? std::nullopt : std::optional(parse_error(text));
}

bool InsertStream::append(std::string_view data) {
  return api_->append(stream_.get(), data.data(), data.size()) == 0;
}

EngineResult<StatementSummary> InsertStream::finish() {
  const std::unique_ptr<ChdbResult, void (*)(ChdbResult*)> result(api_->finish_insert(stream_.get()),
                                                                  api_->destroy_result);
  if (const char* error = api_->result_error(result.get())) return tl::unexpected(parse_error(error));
  return summary_of(*api_, result.get());
}

Result<Connection> Connection::open(const ChdbApi& api, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), "penstock-engine");
  std::vector<char*> argv;
  argv.reserve(words.size());
  for (auto& word : words)
    argv.push_back(word.data());
  ChdbSession** const session = api.connect(static_cast<int>(argv.size()), argv.data());
  if (session == nullptr) {
    return fail(ErrorKind::Internal, "EngineNotStarted", "the embedded engine does not start",
                "Its own message is in the lines before this one");
  }
  return Connection(api, session);
}

EngineResult<StatementResult> Connection::execute(std::string_view sql, std::string_view format,
                                                  const QueryParameters& parameters) {
  const ParameterArrays arrays(parameters);
  ChdbResult* const raw = api_->query(*session_, sql.data(), sql.size(), format.data(), format.size(),
                                      arrays.names.data(), arrays.name_lengths.data(), arrays.values.data(),
                                      arrays.value_lengths.data(), parameters.size());
  if (raw == nullptr) return refuse(ErrorCode::UnknownException, "the engine gave no result");
  StatementResult result(*api_, raw);
  if (const char* error = api_->result_error(raw)) return tl::unexpected(parse_error(error));
  return result;
}

EngineResult<InsertStream> Connection::insert(std::string_view sql, std::string_view format,
                                              const QueryParameters& parameters) {
  const ParameterArrays arrays(parameters);
  InsertStream stream(*api_,
                      api_->insert(*session_, sql.data(), sql.size(), format.data(), format.size(),
                                   arrays.names.data(), arrays.name_lengths.data(), arrays.values.data(),
                                   arrays.value_lengths.data(), parameters.size()));
  if (auto error = stream.error()) return tl::unexpected(*error);
  return stream;
}

StatementClass Connection::classify(std::string_view sql) {
  ChdbQueryAnalysis analysis;
  if (api_->classify(*session_, sql.data(), sql.size(), nullptr, 0, &analysis) != 0) return {};
  // chdb_query_class: 0 read only, 1 and 2 mutating, 3 control.
  StatementClass found{StatementClass::Kind::Unknown, analysis.statement_count};
  if (analysis.query_class == 0) found.kind = StatementClass::Kind::Read;
  if (analysis.query_class == 1 || analysis.query_class == 2) found.kind = StatementClass::Kind::Write;
  if (analysis.query_class == 3) found.kind = StatementClass::Kind::Control;
  return found;
}

}  // namespace penstock::engine
