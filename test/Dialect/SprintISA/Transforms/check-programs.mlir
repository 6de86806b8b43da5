// What can be said of a program without running it, at the op that it is said of. Every change below breaks the program at the end of
// this file, which is right. More programs are in runtime/unittests/CheckTest.cpp.

// DEFINE: %{change} =
// DEFINE: %{at} =
// DEFINE: %{message} =
// DEFINE: %{check} = sprint-opt "--pass-pipeline=builtin.module(sprint_isa.program(sprint-check-programs))"
// DEFINE: %{found} = sed -n '/^#machine/,$p' %s | sed -e '%{change}' | sed -e "0,/%{at}/{/%{at}/i // expected-error @below {{%{message}}}" -e '}' | %{check} --verify-diagnostics=only-expected

// RUN: sed -n '/^#machine/,$p' %s | %{check} --verify-diagnostics -o %t

// Room that is never given back, or never taken:
// REDEFINE: %{change} = /release queue(@head_slots)/d
// REDEFINE: %{at} = acquire queue(@head_slots)
// REDEFINE: %{message} = expected a command that releases queue 'head_slots', which begins with 2 credits, as often as this one acquires from it, got none
// RUN: %{found}

// REDEFINE: %{change} = /acquire queue(@score_buffer)/d
// REDEFINE: %{at} = release queue(@score_buffer)
// REDEFINE: %{message} = expected a command that acquires from queue 'score_buffer' as often as this one releases it, got none
// RUN: %{found}

// Given back twice:
// REDEFINE: %{change} = s/^ *sprint_isa.release queue(@value_rows)/&\n&/
// REDEFINE: %{at} = acquire queue(@value_rows)
// REDEFINE: %{message} = expected to acquire from queue 'value_rows', which begins with 2 credits, as often as it is released, 2 * batches * heads * queries times in a launch, got batches * heads * queries
// RUN: %{found}

// No room from the beginning: every unit waits.
// REDEFINE: %{change} = s/@score_buffer credits(4)/@score_buffer credits(0)/
// REDEFINE: %{at} = acquire queue(@score_buffer)
// REDEFINE: %{message} = got a standstill: it waits for 'score_buffer', which unit 'v' releases
// RUN: %{found}

// More room than the machine has, or than queues are deep:
// REDEFINE: %{change} = s/@score_buffer credits(4)/@score_buffer credits(5)/
// REDEFINE: %{at} = sprint_isa.score 
// REDEFINE: %{message} = expected at most 4 rows of scores, as many as the machine holds, got up to 5, bounded by the credits of 'score_buffer'
// RUN: %{found}

// REDEFINE: %{change} = s/@query_slots credits(2)/@query_slots credits(3)/
// REDEFINE: %{at} = sprint_isa.load_query 
// REDEFINE: %{message} = expected at most 2 queries in the query buffers, as many as the machine holds, got up to 3, bounded by the credits of 'key_rows'
// RUN: %{found}

// REDEFINE: %{change} = s/@select_to_key_fetch depth(2)/@select_to_key_fetch depth(1)/
// REDEFINE: %{at} = sprint_isa.read_pruning 
// REDEFINE: %{message} = expected at most 1 lists in queue 'select_to_key_fetch', as many as it holds, got up to 2, bounded by the credits of 'key_lists'
// RUN: %{found}

// REDEFINE: %{change} = s/@value_fetch_to_v depth(2)/@value_fetch_to_v depth(1)/
// REDEFINE: %{at} = sprint_isa.fetch region(value)
// REDEFINE: %{message} = expected at most 1 lists in queue 'value_fetch_to_v', as many as it holds, got up to 2, bounded by the credits of 'value_rows'
// RUN: %{found}

// What is read and never written, or loaded:
// REDEFINE: %{change} = /sprint_isa.write region(value)/d
// REDEFINE: %{at} = sprint_isa.fetch region(value)
// REDEFINE: %{message} = expected a command that writes the value that it reads, got none
// RUN: %{found}

// REDEFINE: %{change} = /sprint_isa.write region(key_valid)/d
// REDEFINE: %{at} = sprint_isa.load_mask 
// REDEFINE: %{message} = expected a command that writes the key_valid that it reads, got none
// RUN: %{found}

// REDEFINE: %{change} = /sprint_isa.load_mask /d
// REDEFINE: %{at} = sprint_isa.program 
// REDEFINE: %{message} = expected a command that loads the key_valid, which the program takes, got none
// RUN: %{found}

// REDEFINE: %{change} = /sprint_isa.load_query /d
// REDEFINE: %{at} = sprint_isa.score 
// REDEFINE: %{message} = expected a command that loads its query, got none
// RUN: %{found}

// What is read without a wait for what writes it:
// REDEFINE: %{change} = /queue(@write_before_select)/d
// REDEFINE: %{at} = sprint_isa.load_mask 
// REDEFINE: %{message} = expected the key_valid of its head to have been written before
// RUN: %{found}

// REDEFINE: %{change} = /sprint_isa.write region(key_valid)/d; s/^ *sprint_isa.release queue(@write_before_select)/&\n          sprint_isa.write region(key_valid) batch(i0) head(i1)/
// REDEFINE: %{at} = sprint_isa.load_mask 
// REDEFINE: %{message} = expected the key_valid of its head to have been written before
// RUN: %{found}

// A wait that nobody does:
// REDEFINE: %{change} = /acquire queue(@write_before_select)/d
// REDEFINE: %{at} = release queue(@write_before_select)
// REDEFINE: %{message} = expected a command that acquires from queue 'write_before_select' as often as this one releases it, got none
// RUN: %{found}

// Two units at one end of a queue:
// REDEFINE: %{change} = s/from(@select_to_value_fetch)/from(@select_to_key_fetch)/
// REDEFINE: %{at} = sprint_isa.fetch region(value)
// REDEFINE: %{message} = expected one unit to take from queue 'select_to_key_fetch', got key_fetch and value_fetch
// RUN: %{found}

// A list that nobody takes:
// REDEFINE: %{change} = /sprint_isa.accumulate /d
// REDEFINE: %{at} = sprint_isa.softmax 
// REDEFINE: %{message} = expected a command that takes from queue 'softmax_to_v' as often as this one puts to it, got none
// RUN: %{found}

// Loops that turn more often than those that feed them:
// REDEFINE: %{change} = /unit softmax {/,/sprint_isa.softmax/s/trip(queries)/trip(keys)/
// REDEFINE: %{at} = sprint_isa.softmax 
// REDEFINE: %{message} = expected to take from queue 'qk_to_softmax' as often as it is put to, batches * heads * queries times in a launch, got batches * heads * keys
// RUN: %{found}

// What the program does not take:
// REDEFINE: %{change} = s/ inputs(key_valid)//
// REDEFINE: %{at} = sprint_isa.load_mask 
// REDEFINE: %{message} = expected to read a tensor that the program takes, got key_valid
// RUN: %{found}

// Another machine:
// REDEFINE: %{change} = s/c6efa207582d51bf/0123456789abcdef/
// REDEFINE: %{at} = sprint_isa.program 
// REDEFINE: %{message} = expected a machine of structure 0123456789abcdef ('s'), got 's' of structure c6efa207582d51bf
// RUN: %{found}

// Before distribution there is nothing to check.
// RUN: sprint-opt %S/Inputs/nest.mlir "--pass-pipeline=builtin.module(sprint-attach-machine,sprint_isa.program(sprint-check-programs))" --verify-diagnostics

#machine = #sprint.machine<"s", corelets = 1, array_rows = 64, array_columns = 128, arrays_per_bank = 128, channels = 4, banks_per_channel = 4, key_buffer = 8192, value_buffer = 8192, query_buffer = 2, score_buffer = 1024, score_rows = 4, resident_heads = 2, multipliers = 64, nibble = centred, exponent_fraction_bits = 16, sum_bits = 48, probability_bits = 0, accumulator_bits = 48>
module attributes {sprint.machine = #machine} {
  sprint_isa.program @p machine("s", "c6efa207582d51bf") parameters(batches = 1, heads = 2, queries = ?, keys = ?, head_dim = 8, value_dim = 8, group = 1) scale(1.250000e-01) thresholds([1.500000e+00]) inputs(key_valid) {
    sprint_isa.counting_queue @head_slots credits(2)
    sprint_isa.counting_queue @key_lists credits(2)
    sprint_isa.counting_queue @value_lists credits(6)
    sprint_isa.counting_queue @query_slots credits(2)
    sprint_isa.counting_queue @key_rows credits(2)
    sprint_isa.counting_queue @score_buffer credits(4)
    sprint_isa.counting_queue @value_rows credits(2)
    sprint_isa.index_queue @select_to_key_fetch depth(2)
    sprint_isa.index_queue @select_to_value_fetch depth(6)
    sprint_isa.index_queue @key_fetch_to_qk depth(2)
    sprint_isa.index_queue @qk_to_softmax depth(4)
    sprint_isa.index_queue @softmax_to_v depth(4)
    sprint_isa.index_queue @value_fetch_to_v depth(2)
    sprint_isa.counting_queue @write_before_select credits(0)
    sprint_isa.counting_queue @write_before_key_fetch credits(0)
    sprint_isa.counting_queue @key_fetch_before_qk credits(0)
    sprint_isa.unit write {
      sprint_isa.loop trip(batches) {
        sprint_isa.loop trip(heads) {
          sprint_isa.acquire queue(@head_slots)
          sprint_isa.write region(key) batch(i0) head(i1)
          sprint_isa.write region(value) batch(i0) head(i1)
          sprint_isa.write region(query) batch(i0) head(i1)
          sprint_isa.write region(key_valid) batch(i0) head(i1)
          sprint_isa.release queue(@write_before_select)
          sprint_isa.release queue(@write_before_key_fetch)
        }
      }
    }
    sprint_isa.unit select {
      sprint_isa.loop trip(batches) {
        sprint_isa.loop trip(heads) {
          sprint_isa.acquire queue(@write_before_select)
          sprint_isa.load_mask region(key_valid) batch(i0) head(i1) query(0)
          sprint_isa.loop trip(queries) {
            sprint_isa.acquire queue(@key_lists)
            sprint_isa.acquire queue(@value_lists)
            sprint_isa.copy_query batch(i0) head(i1) query(i2)
            sprint_isa.threshold batch(i0) head(i1) first(0) last(min(keys, i2 + 1))
            sprint_isa.read_pruning keys_to(@select_to_key_fetch) values_to(@select_to_value_fetch)
          }
        }
      }
    }
    sprint_isa.unit key_fetch {
      sprint_isa.loop trip(batches) {
        sprint_isa.loop trip(heads) {
          sprint_isa.acquire queue(@write_before_key_fetch)
          sprint_isa.loop trip(queries) {
            sprint_isa.acquire queue(@query_slots)
            sprint_isa.load_query batch(i0) head(i1) query(i2)
            sprint_isa.release queue(@key_fetch_before_qk)
            sprint_isa.acquire queue(@key_rows)
            sprint_isa.fetch region(key) residency(previous_query) from(@select_to_key_fetch) to(@key_fetch_to_qk) batch(i0) head(i1)
            sprint_isa.release queue(@key_lists)
          }
        }
      }
    }
    sprint_isa.unit value_fetch {
      sprint_isa.loop trip(batches) {
        sprint_isa.loop trip(heads) {
          sprint_isa.loop trip(queries) {
            sprint_isa.acquire queue(@value_rows)
            sprint_isa.fetch region(value) residency(previous_query) from(@select_to_value_fetch) to(@value_fetch_to_v) batch(i0) head(i1)
            sprint_isa.release queue(@value_lists)
          }
        }
      }
    }
    sprint_isa.unit qk {
      sprint_isa.loop trip(batches) {
        sprint_isa.loop trip(heads) {
          sprint_isa.loop trip(queries) {
            sprint_isa.acquire queue(@score_buffer)
            sprint_isa.acquire queue(@key_fetch_before_qk)
            sprint_isa.score from(@key_fetch_to_qk) to(@qk_to_softmax) batch(i0) head(i1) query(i2)
            sprint_isa.release queue(@query_slots)
            sprint_isa.release queue(@key_rows)
          }
        }
      }
    }
    sprint_isa.unit softmax {
      sprint_isa.loop trip(batches) {
        sprint_isa.loop trip(heads) {
          sprint_isa.loop trip(queries) {
            sprint_isa.softmax from(@qk_to_softmax) to(@softmax_to_v) batch(i0) head(i1)
          }
        }
      }
    }
    sprint_isa.unit v {
      sprint_isa.loop trip(batches) {
        sprint_isa.loop trip(heads) {
          sprint_isa.loop trip(queries) {
            sprint_isa.accumulate weights(@softmax_to_v) values(@value_fetch_to_v) batch(i0) head(i1)
            sprint_isa.store_output batch(i0) head(i1) query(i2)
            sprint_isa.release queue(@value_rows)
            sprint_isa.release queue(@score_buffer)
          }
          sprint_isa.release queue(@head_slots)
        }
      }
    }
  }
}

