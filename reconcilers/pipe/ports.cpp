#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile {

bool same_in_what_matters(const Pipe& seen, const Pipe& stored) {
  return seen.uid == stored.uid && seen.generation == stored.generation && seen.deleting == stored.deleting &&
         seen.has_finalizer == stored.has_finalizer && seen.status == stored.status;
}

}  // namespace penstock::reconcile
