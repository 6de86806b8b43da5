// RUN: sprint-opt %s --split-input-file --verify-diagnostics

// expected-error @below {{expected the name of a machine, got an empty string}}
sprint_isa.program @p machine("", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
}

// -----

// expected-error @below {{expected the hash of the structure as 16 hexadecimal digits, got "0123456789ABCDEF"}}
sprint_isa.program @p machine("s", "0123456789ABCDEF")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
}

// -----

// expected-error @below {{expected the launch parameter 'keys' between 1 and 2147483648, got 0}}
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 0, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    // expected-error @below {{expected 'keys'}}
    parameters(batches = 1, heads = 2, queries = 4, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
}

// -----

// expected-error @below {{expected 8 launch parameters, got 1}}
"sprint_isa.program"() <{sym_name = "p", machine = "s", structure = "0123456789abcdef",
    parameters = array<i64: 1>, scale = 0.125 : f64}> ({
^bb0:
}) : () -> ()

// -----

// expected-error @below {{expected a scale between 2^-100 and 2^100, got 0}}
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.0) {
}

// -----

// expected-error @below {{expected a scale between 2^-100 and 2^100, got nan}}
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0x7FF8000000000000) {
}

// -----

// expected-error @below {{expected one threshold, or one for each of 2 heads, got 3}}
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) thresholds([0.0, 1.0, 2.0]) {
}

// -----

// expected-error @below {{expected one threshold, as the number of heads is open, got 2}}
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = ?, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) thresholds([0.0, 1.0]) {
}

// -----

// expected-error @below {{expected thresholds, got NaN}}
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) thresholds([0x7FC00000]) {
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  // expected-note @below {{see existing symbol definition here}}
  sprint_isa.counting_queue @q credits(0)
  // expected-error @below {{redefinition of symbol named 'q'}}
  sprint_isa.index_queue @q depth(1)
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  // expected-error @below {{expected credits between 0 and 65536, got -1}}
  sprint_isa.counting_queue @q credits(-1)
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  // expected-error @below {{expected a depth between 1 and 65536, got 0}}
  sprint_isa.index_queue @q depth(0)
}

// -----

module {
  // expected-error @below {{expects parent op 'sprint_isa.program'}}
  sprint_isa.unit v {
  }
}

// -----

module {
  // expected-error @below {{expects parent op to be one of 'sprint_isa.unit, sprint_isa.loop, sprint_isa.program'}}
  sprint_isa.loop trip(1) {
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  // expected-error @below {{expected a queue or a unit in a program}}
  builtin.module {}
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  // expected-note @below {{the first one is here}}
  sprint_isa.unit v {
  }
  // expected-error @below {{expected each unit once, got a second 'v'}}
  sprint_isa.unit v {
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.unit v {
    // expected-error @below {{expected a command of unit 'v'}}
    builtin.module {}
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.unit v {
    // expected-error @below {{expects parent op 'sprint_isa.program'}}
    sprint_isa.counting_queue @q credits(0)
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.unit v {
    // expected-error @below {{expected a command of unit 'v', got 'write'}}
    sprint_isa.write region(key) batch(0) head(0)
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.unit v {
    // expected-error @below {{expected operand 'queue' to name a 'sprint_isa.counting_queue', got @nowhere}}
    sprint_isa.acquire queue(@nowhere)
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  // expected-note @below {{which is a 'sprint_isa.index_queue'}}
  sprint_isa.index_queue @lists depth(1)
  sprint_isa.unit v {
    // expected-error @below {{expected operand 'queue' to name a 'sprint_isa.counting_queue', got @lists}}
    sprint_isa.release queue(@lists)
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  // expected-note @below {{which is a 'sprint_isa.counting_queue'}}
  sprint_isa.counting_queue @credits credits(0)
  sprint_isa.unit select {
    // expected-error @below {{expected operand 'keys_to' to name a 'sprint_isa.index_queue', got @credits}}
    sprint_isa.read_pruning keys_to(@credits) values_to(@credits)
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.unit v {
    sprint_isa.loop trip(1) {
      // expected-error @below {{expected operand 'query' to read counters of the 1 enclosing loops, got i1}}
      sprint_isa.store_output batch(0) head(i0) query(i1 - i0)
    }
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.unit v {
    // expected-error @below {{expected operand 'trip' to read counters of the 0 enclosing loops, got i0}}
    sprint_isa.loop trip(i0) {
    }
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.unit v {
    sprint_isa.loop trip(1) {
    sprint_isa.loop trip(1) {
    sprint_isa.loop trip(1) {
    sprint_isa.loop trip(1) {
    sprint_isa.loop trip(1) {
    sprint_isa.loop trip(1) {
    sprint_isa.loop trip(1) {
    sprint_isa.loop trip(1) {
    // expected-error @below {{expected at most 8 nested loops}}
    sprint_isa.loop trip(1) {
    }
    }
    }
    }
    }
    }
    }
    }
    }
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.unit write {
    // expected-error @below {{expected a region, got 'keys'}}
    sprint_isa.write region(keys) batch(0) head(0)
  }
}

// -----

// expected-error @below {{expected two expressions or more, got 1}}
#e = #sprint_isa.expr<min(keys)>

// -----

// expected-error @below {{expected constants of magnitude up to 2147483648, got 2147483649}}
#e = #sprint_isa.expr<2147483649>

// -----

// expected-error @below {{use of undeclared identifier}}
#e = #sprint_isa.expr<i8>

// -----

// expected-error @below {{expected to divide by a positive constant or a launch parameter that is never zero, got 0}}
#e = #sprint_isa.expr<i0 floordiv 0>

// -----

// expected-error @below {{non-affine expression: right operand of mod has to be either a constant or symbolic}}
#e = #sprint_isa.expr<keys mod (i0 + 1)>

// -----

// expected-error @below {{expected to divide by a positive constant or a launch parameter that is never zero, got keys + 1}}
#e = #sprint_isa.expr<i0 ceildiv (keys + 1)>

// -----

// expected-error @below {{expected an expression of at most 256 nodes}}
#e = #sprint_isa.expr<min(i0 + 1, i0 + 2, i0 + 3, i0 + 4, i0 + 5, i0 + 6, i0 + 7, i0 + 8, i0 + 9, i0 + 10, i0 + 11, i0 + 12, i0 + 13, i0 + 14, i0 + 15, i0 + 16, i0 + 17, i0 + 18, i0 + 19, i0 + 20, i0 + 21, i0 + 22, i0 + 23, i0 + 24, i0 + 25, i0 + 26, i0 + 27, i0 + 28, i0 + 29, i0 + 30, i0 + 31, i0 + 32, i0 + 33, i0 + 34, i0 + 35, i0 + 36, i0 + 37, i0 + 38, i0 + 39, i0 + 40, i0 + 41, i0 + 42, i0 + 43, i0 + 44, i0 + 45, i0 + 46, i0 + 47, i0 + 48, i0 + 49, i0 + 50, i0 + 51, i0 + 52, i0 + 53, i0 + 54, i0 + 55, i0 + 56, i0 + 57, i0 + 58, i0 + 59, i0 + 60, i0 + 61, i0 + 62, i0 + 63, i0 + 64, i0 + 65, i0 + 66, i0 + 67, i0 + 68, i0 + 69)>

// -----

// expected-error @below {{expected inputs among key_valid, mask, bias, query_segments and key_segments, each once and in this order, got key_valid after mask}}
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) inputs(mask, key_valid) {
}

// -----

// expected-error @below {{expected inputs among key_valid, mask, bias, query_segments and key_segments, each once and in this order, got query after value}}
sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) inputs(query) {
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    // expected-error @below {{expected a region, got 'padding'}}
    scale(0.125) inputs(padding) {
}

// -----

// expected-error @below {{expected at least one input where there are inputs, got none}}
"sprint_isa.program"() <{sym_name = "p", machine = "s", structure = "0123456789abcdef",
    parameters = array<i64: 1, 1, 1, 1, 1, 1, 1, 1>, scale = 0.125 : f64, inputs = []}> ({
^bb0:
}) : () -> ()

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  // expected-error @below {{expected credits between 1 and 65536, got 0}}
  sprint_isa.reserve on(qk) @room credits(0)
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  // expected-error @below {{expected a unit that may run it, got 'v'}}
  %0 = sprint_isa.value.write on(v) region(key) batch(0) head(0)
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.loop trip(1) {
    // expected-error @below {{expected operand 'head' to read counters of the 1 enclosing loops, got i1}}
    %0 = sprint_isa.value.write on(write) region(key) batch(0) head(i1)
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.loop trip(1) {
    // expected-error @below {{expected operand 'trip' to read counters of the 1 enclosing loops, got i1}}
    sprint_isa.loop trip(i1) {
    }
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.loop trip(1) {
  }
  // expected-error @below {{expected loops, value forms and capacities in a nest}}
  sprint_isa.counting_queue @q credits(0)
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.loop trip(1) {
    // expected-error @below {{expected loops, value forms and capacities in a nest}}
    sprint_isa.acquire queue(@q)
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.loop trip(1) {
  sprint_isa.loop trip(1) {
  sprint_isa.loop trip(1) {
  sprint_isa.loop trip(1) {
  sprint_isa.loop trip(1) {
  sprint_isa.loop trip(1) {
  sprint_isa.loop trip(1) {
  sprint_isa.loop trip(1) {
  // expected-error @below {{expected at most 8 nested loops}}
  sprint_isa.loop trip(1) {
  }
  }
  }
  }
  }
  }
  }
  }
  }
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  sprint_isa.free on(v) @room
  // expected-error @below {{expected a unit, got 'u'}}
  sprint_isa.free on(u) @room
}

// -----

sprint_isa.program @p machine("s", "0123456789abcdef")
    parameters(batches = 1, heads = 2, queries = 4, keys = 8, head_dim = 64, value_dim = 64, group = 1)
    scale(0.125) {
  %0 = sprint_isa.value.write on(write) region(key) batch(0) head(0)
  // expected-note @above {{prior use here}}
  // expected-error @below {{expects different type than prior uses: '!sprint_isa.list' vs '!sprint_isa.token'}}
  %1 = sprint_isa.value.fetch on(key_fetch) region(key) residency(pinned) batch(0) head(0) from(%0)
}
