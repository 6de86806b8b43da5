//===- Form.h - Expressions in a canonical form ------------------*- C++ -*-===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef SPRINTRUNTIME_LIB_CHECK_FORM_H
#define SPRINTRUNTIME_LIB_CHECK_FORM_H

#include "SprintRuntime/CommandStream.h"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sprint::checking {

/// A polynomial with integer coefficients, or an expression that is not known. Its variables are
/// launch parameters, loop counters, and divisions, remainders, minima and maxima of polynomials.
/// Two that are equal have the same value whatever the variables are.
class Form {
public:
  /// A variable, a number that it is never below, and whether there are launches in which it is as
  /// large as one likes.
  struct Variable {
    std::string name;
    int64_t least = 0;
    bool grows = false;
    std::strong_ordering operator<=>(const Variable &other) const { return name <=> other.name; }
    bool operator==(const Variable &other) const { return name == other.name; }
  };

  Form() = default;
  static Form constant(int64_t value);
  static Form variable(std::string name, int64_t least, bool grows = false);
  static Form unknown();

  bool isKnown() const { return known; }
  /// Its value, where it is known and has no variables.
  std::optional<int64_t> asConstant() const;
  /// A number that it is never below; INT64_MIN where none is known.
  int64_t least() const;
  /// Whether there surely are launches in which it is as large as one likes.
  bool grows() const;
  std::string text() const;

  friend Form operator+(const Form &lhs, const Form &rhs);
  friend Form operator-(const Form &lhs, const Form &rhs);
  friend Form operator*(const Form &lhs, const Form &rhs);
  /// What is not known equals nothing.
  bool operator==(const Form &other) const;

private:
  using Term = std::vector<Variable>;
  bool addTerm(const Term &term, int64_t coefficient);
  std::map<Term, int64_t> terms;
  bool known = true;

  friend class FormBuilder;
};

/// Brings expressions of one program into their form.
class FormBuilder {
public:
  /// With `substitutes`, static launch parameters have their values.
  FormBuilder(const Program &program, bool substitutes)
      : program(program), substitutes(substitutes) {}

  Form parameter(LaunchParameter which) const;
  /// `counters` are those of the enclosing loops.
  Form build(uint64_t expression, std::span<const Form> counters) const;
  /// How often a loop of that trip count runs: never less than 0.
  static Form trips(const Form &trip);

private:
  Form combine(ExprNode::Kind kind, const Form &lhs, const Form &rhs) const;
  const Program &program;
  bool substitutes;
  mutable int64_t work = 0;
};

} // namespace sprint::checking

#endif // SPRINTRUNTIME_LIB_CHECK_FORM_H
