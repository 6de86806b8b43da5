//===- Form.cpp - Expressions in a canonical form -------------------------===//
//
// Part of the Sprint project.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Form.h"

#include <algorithm>

using namespace sprint;
using namespace sprint::checking;

namespace {

// Beyond these numbers of terms, of variables in a term, and of characters of a variable's name,
// and beyond this magnitude of a constant, an expression is not known.
constexpr size_t kMaxTerms = 16;
constexpr size_t kMaxDegree = 16;
constexpr size_t kMaxVariableLength = 1024;
constexpr int64_t kMaxConstant = int64_t(1) << 62;
/// Nodes of expressions that are looked at; of all others nothing is known, so that no program
/// takes long.
constexpr int64_t kMaxWork = int64_t(1) << 16;

int64_t saturatingAdd(int64_t lhs, int64_t rhs) {
  int64_t sum;
  if (!__builtin_add_overflow(lhs, rhs, &sum))
    return sum;
  return lhs < 0 ? INT64_MIN : INT64_MAX;
}

/// Of numbers that are not negative.
int64_t saturatingMul(int64_t lhs, int64_t rhs) {
  int64_t product;
  return __builtin_mul_overflow(lhs, rhs, &product) ? INT64_MAX : product;
}

int64_t floorDiv(int64_t number, int64_t divisor) {
  return number / divisor - (number % divisor < 0);
}

} // namespace

Form Form::constant(int64_t value) {
  Form form;
  form.addTerm({}, value);
  return form;
}

Form Form::variable(std::string name, int64_t least, bool grows) {
  Form form;
  form.addTerm({{std::move(name), least, grows}}, 1);
  return form;
}

Form Form::unknown() {
  Form form;
  form.known = false;
  return form;
}

bool Form::addTerm(const Term &term, int64_t coefficient) {
  if (coefficient == 0)
    return true;
  auto [entry, isNew] = terms.try_emplace(term, coefficient);
  if (!isNew && __builtin_add_overflow(entry->second, coefficient, &entry->second))
    return false;
  if (entry->second == 0)
    terms.erase(entry);
  return terms.size() <= kMaxTerms;
}

std::optional<int64_t> Form::asConstant() const {
  if (!known)
    return std::nullopt;
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.begin()->first.empty())
    return terms.begin()->second;
  return std::nullopt;
}

int64_t Form::least() const {
  if (!known)
    return INT64_MIN;
  int64_t sum = 0;
  for (const auto &[term, coefficient] : terms) {
    if (term.empty()) {
      sum = saturatingAdd(sum, coefficient);
      continue;
    }
    if (coefficient < 0)
      return INT64_MIN;
    int64_t product = coefficient;
    for (const Variable &variable : term) {
      if (variable.least < 0)
        return INT64_MIN;
      product = saturatingMul(product, variable.least);
    }
    sum = saturatingAdd(sum, product);
  }
  return sum;
}

bool Form::grows() const {
  auto grows = [](const auto &entry) {
    return !entry.first.empty() && std::ranges::all_of(entry.first, &Variable::grows);
  };
  return known && std::ranges::all_of(terms, [](const auto &entry) { return entry.second > 0; }) &&
         std::ranges::any_of(terms, grows);
}

std::string Form::text() const {
  if (!known)
    return "an unknown number";
  if (terms.empty())
    return "0";
  std::string text;
  for (const auto &[term, coefficient] : terms) {
    uint64_t magnitude = coefficient < 0 ? 0 - static_cast<uint64_t>(coefficient)
                                         : static_cast<uint64_t>(coefficient);
    std::string product;
    if (term.empty() || magnitude != 1)
      product = std::to_string(magnitude);
    for (const Variable &variable : term)
      product += (product.empty() ? "" : " * ") + variable.name;
    if (text.empty())
      text = (coefficient < 0 ? "-" : "") + product;
    else
      text += (coefficient < 0 ? " - " : " + ") + product;
  }
  return text;
}

Form checking::operator+(const Form &lhs, const Form &rhs) {
  if (!lhs.known || !rhs.known)
    return Form::unknown();
  Form sum = lhs;
  for (const auto &[term, coefficient] : rhs.terms)
    if (!sum.addTerm(term, coefficient))
      return Form::unknown();
  return sum;
}

Form checking::operator-(const Form &lhs, const Form &rhs) {
  return lhs + Form::constant(-1) * rhs;
}

Form checking::operator*(const Form &lhs, const Form &rhs) {
  if (!lhs.known || !rhs.known)
    return Form::unknown();
  Form product;
  for (const auto &[left, leftCoefficient] : lhs.terms) {
    for (const auto &[right, rightCoefficient] : rhs.terms) {
      Form::Term term;
      std::ranges::merge(left, right, std::back_inserter(term));
      int64_t coefficient;
      if (term.size() > kMaxDegree ||
          __builtin_mul_overflow(leftCoefficient, rightCoefficient, &coefficient) ||
          !product.addTerm(term, coefficient))
        return Form::unknown();
    }
  }
  return product;
}

bool Form::operator==(const Form &other) const {
  return known && other.known && terms == other.terms;
}

Form FormBuilder::parameter(LaunchParameter which) const {
  auto index = static_cast<size_t>(which);
  int64_t value = program.parameters[index];
  if (substitutes && value != Program::kDynamic)
    return Form::constant(value);
  const LaunchParameterInfo &info = launchParameters[index];
  return Form::variable(std::string(info.name), info.least(), true);
}

Form FormBuilder::trips(const Form &trip) {
  if (std::optional<int64_t> constant = trip.asConstant())
    return Form::constant(std::max<int64_t>(*constant, 0));
  if (!trip.isKnown() || trip.least() >= 0)
    return trip;
  return Form::variable("max(0, " + trip.text() + ")", 0);
}

Form FormBuilder::combine(ExprNode::Kind kind, const Form &lhs, const Form &rhs) const {
  if (kind == ExprNode::Kind::Add)
    return lhs + rhs;
  if (kind == ExprNode::Kind::Mul)
    return lhs * rhs;
  if (!lhs.isKnown() || !rhs.isKnown())
    return Form::unknown();
  std::optional<int64_t> left = lhs.asConstant(), right = rhs.asConstant();
  for (std::optional<int64_t> value : {left, right})
    if (value && (*value > kMaxConstant || *value < -kMaxConstant))
      return Form::unknown();
  auto variable = [](std::string name, int64_t least, bool grows = false) {
    return name.size() > kMaxVariableLength ? Form::unknown()
                                            : Form::variable(std::move(name), least, grows);
  };
  auto joined = [&](const char *word) {
    return "(" + lhs.text() + " " + word + " " + rhs.text() + ")";
  };
  switch (kind) {
  case ExprNode::Kind::FloorDiv:
    if (right == 1)
      return lhs;
    if (left && right && *right > 0)
      return Form::constant(floorDiv(*left, *right));
    // The launch makes sure that groups divide the heads.
    if (lhs == parameter(LaunchParameter::Heads) && rhs == parameter(LaunchParameter::Group))
      return variable(joined("floordiv"), 1, true);
    return variable(joined("floordiv"), lhs.least() >= 0 ? 0 : INT64_MIN, right && lhs.grows());
  case ExprNode::Kind::CeilDiv:
    if (right == 1)
      return lhs;
    if (left && right && *right > 0)
      return Form::constant(-floorDiv(-*left, *right));
    return variable(joined("ceildiv"),
                    lhs.least() >= 1   ? 1
                    : lhs.least() >= 0 ? 0
                                       : INT64_MIN,
                    right && lhs.grows());
  case ExprNode::Kind::Mod:
    if (right == 1)
      return Form::constant(0);
    if (left && right && *right > 0)
      return Form::constant(*left - floorDiv(*left, *right) * *right);
    return variable(joined("mod"), 0);
  case ExprNode::Kind::Min:
  case ExprNode::Kind::Max: {
    bool isMin = kind == ExprNode::Kind::Min;
    if (lhs == rhs)
      return lhs;
    if (left && right)
      return Form::constant(isMin ? std::min(*left, *right) : std::max(*left, *right));
    std::string first = lhs.text(), second = rhs.text();
    if (second < first)
      std::swap(first, second);
    return variable(std::string(isMin ? "min(" : "max(") + first + ", " + second + ")",
                    isMin ? std::min(lhs.least(), rhs.least())
                          : std::max(lhs.least(), rhs.least()));
  }
  default:
    return Form::unknown();
  }
}

Form FormBuilder::build(uint64_t expression, std::span<const Form> counters) const {
  if (++work > kMaxWork)
    return Form::unknown();
  const ExprNode &node = program.expressions[expression];
  switch (node.kind) {
  case ExprNode::Kind::Constant:
    return Form::constant(node.value);
  case ExprNode::Kind::Counter:
    return counters[static_cast<size_t>(node.value)];
  case ExprNode::Kind::Parameter:
    return parameter(static_cast<LaunchParameter>(node.value));
  default:
    return combine(node.kind, build(node.lhs, counters), build(node.rhs, counters));
  }
}
