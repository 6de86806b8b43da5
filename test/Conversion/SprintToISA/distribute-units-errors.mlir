// RUN: sprint-opt %s "--pass-pipeline=builtin.module(sprint.program(sprint-distribute-units))" --split-input-file --verify-diagnostics

sprint.program @twice(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @twice machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      sprint_isa.reserve on(select) @room credits(2)
      // expected-error @below {{expected its lists to be taken once, in the body that they are put in}}
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys)
      %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      %again = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(0) from(%there)
      %weights = sprint_isa.value.softmax on(softmax) batch(0) head(i0) from(%scores)
      %arrived = sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(0) head(i0) from(%values)
      %sum = sprint_isa.value.accumulate on(v) batch(0) head(i0) weights(%weights) values(%arrived)
      sprint_isa.free on(v) @room
    }
  }
  sprint.return
}

// -----

sprint.program @never(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @never machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      sprint_isa.reserve on(select) @room credits(2)
      // expected-error @below {{expected its lists to be taken once, in the body that they are put in}}
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys)
      %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(0) from(%there)
      sprint_isa.free on(v) @room
    }
  }
  sprint.return
}

// -----

sprint.program @deeper(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @deeper machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      sprint_isa.reserve on(select) @room credits(2)
      // expected-error @below {{expected its lists to be taken once, in the body that they are put in}}
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys)
      sprint_isa.loop trip(queries) {
        %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      }
      sprint_isa.free on(v) @room
    }
  }
  sprint.return
}

// -----

sprint.program @no_room(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @no_room machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      // expected-error @below {{expected a capacity that is reserved before its list is put and given back after it is taken}}
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys)
      %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(0) from(%there)
      %weights = sprint_isa.value.softmax on(softmax) batch(0) head(i0) from(%scores)
      %arrived = sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(0) head(i0) from(%values)
      %sum = sprint_isa.value.accumulate on(v) batch(0) head(i0) weights(%weights) values(%arrived)
    }
  }
  sprint.return
}

// -----

sprint.program @too_late(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @too_late machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      // expected-error @below {{expected a capacity that is reserved before its list is put and given back after it is taken}}
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys)
      sprint_isa.reserve on(select) @room credits(2)
      %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(0) from(%there)
      %weights = sprint_isa.value.softmax on(softmax) batch(0) head(i0) from(%scores)
      %arrived = sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(0) head(i0) from(%values)
      %sum = sprint_isa.value.accumulate on(v) batch(0) head(i0) weights(%weights) values(%arrived)
      sprint_isa.free on(v) @room
    }
  }
  sprint.return
}

// -----

sprint.program @given_back_too_early(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @given_back_too_early machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      sprint_isa.reserve on(select) @room credits(2)
      // expected-error @below {{expected a capacity that is reserved before its list is put and given back after it is taken}}
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys)
      sprint_isa.free on(select) @room
      %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(0) from(%there)
      %weights = sprint_isa.value.softmax on(softmax) batch(0) head(i0) from(%scores)
      %arrived = sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(0) head(i0) from(%values)
      %sum = sprint_isa.value.accumulate on(v) batch(0) head(i0) weights(%weights) values(%arrived)
    }
  }
  sprint.return
}

// -----

sprint.program @no_free(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @no_free machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      // expected-error @below {{expected a 'reserve' and a 'free' of it in one body}}
      sprint_isa.reserve on(select) @room credits(2)
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys)
      %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(0) from(%there)
      %weights = sprint_isa.value.softmax on(softmax) batch(0) head(i0) from(%scores)
      %arrived = sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(0) head(i0) from(%values)
      %sum = sprint_isa.value.accumulate on(v) batch(0) head(i0) weights(%weights) values(%arrived)
    }
  }
  sprint.return
}

// -----

sprint.program @no_reserve(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @no_reserve machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys)
      %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(0) from(%there)
      %weights = sprint_isa.value.softmax on(softmax) batch(0) head(i0) from(%scores)
      %arrived = sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(0) head(i0) from(%values)
      %sum = sprint_isa.value.accumulate on(v) batch(0) head(i0) weights(%weights) values(%arrived)
      // expected-error @below {{expected a 'reserve' and a 'free' of it in one body}}
      sprint_isa.free on(v) @room
    }
  }
  sprint.return
}

// -----

sprint.program @other_body(query %q: tensor<1x2x4x8xi8>, key %k: tensor<1x2x5x8xi8>, value %v: tensor<1x2x5x4xi8>, threshold %t: tensor<1x2xi32>,
    multiplier %m: tensor<1x2xi64>, shift %s: tensor<1x2xi64>) -> tensor<1x2x4x4xi32> scale(0.125) {
  sprint_isa.program @other_body machine("s", "0123456789abcdef")
      parameters(batches = 1, heads = 2, queries = 4, keys = 5, head_dim = 8, value_dim = 4, group = 1) scale(0.125) {
    sprint_isa.loop trip(heads) {
      // expected-error @below {{expected a 'reserve' and a 'free' of it in one body}}
      sprint_isa.reserve on(select) @room credits(2)
      %keys, %values = sprint_isa.value.list_range on(select) first(0) last(keys)
      %there = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(i0) from(%keys)
      %scores = sprint_isa.value.score on(qk) batch(0) head(i0) query(0) from(%there)
      %weights = sprint_isa.value.softmax on(softmax) batch(0) head(i0) from(%scores)
      %arrived = sprint_isa.value.fetch on(value_fetch) region(value) residency(pinned) batch(0) head(i0) from(%values)
      %sum = sprint_isa.value.accumulate on(v) batch(0) head(i0) weights(%weights) values(%arrived)
      sprint_isa.loop trip(queries) {
        sprint_isa.free on(v) @room
      }
    }
  }
  sprint.return
}
