"""Transformer parts: caching, sharing and masking change nothing."""

import math

import pytest
import torch

from hume_core.nn.attention import MASKED, PrefixThenCausal, attend, causal_bias, key_bias
from hume_core.nn.gemma import GemmaStack, StackConfig, repeat_cache
from hume_core.nn.joined import join_all
from hume_core.nn.linear import product
from hume_core.nn.norm import RMSNorm
from hume_core.nn.rope import rotary_table, rotate

CONFIG = StackConfig(32, 48, 3, 4, 2, 8)


@pytest.fixture
def stack():
    torch.manual_seed(0)
    stack = GemmaStack(CONFIG).requires_grad_(False)
    for parameter in stack.parameters():
        parameter.normal_(std=0.3)
    return stack


def _rotary(start, length):
    return rotary_table(torch.arange(start, start + length)[None], CONFIG.head_dim)


def _plain_attention(query, key, value, bias):
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]) + bias
    return (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)


def _query_key_value(batch=2, heads=4, key_heads=2, queries=5, keys=7, width=8):
    torch.manual_seed(1)
    return (
        torch.randn(batch, heads, queries, width),
        torch.randn(batch, key_heads, keys, width),
        torch.randn(batch, key_heads, keys, width),
    )


@pytest.mark.parametrize("kind", ["none", "keys", "rows"])
def test_attention_equals_the_formula(kind):
    query, key, value = _query_key_value()
    valid = torch.arange(7) < torch.tensor([[4], [7]])
    bias = {"none": None, "keys": key_bias(valid), "rows": causal_bias(5, 2)}[kind]
    expected = _plain_attention(query, key, value, 0.0 if bias is None else bias)
    torch.testing.assert_close(attend(query, key, value, bias), expected)


@pytest.mark.parametrize("open_rows", [0, 2])
def test_prefix_then_causal_equals_its_bias(open_rows):
    query, key, value = _query_key_value(queries=7)
    bias = causal_bias(7, 0)
    bias[..., :4, :4] = 0.0
    bias[..., 7 - open_rows :, :] = 0.0
    expected = _plain_attention(query, key, value, bias)
    torch.testing.assert_close(attend(query, key, value, PrefixThenCausal(4, open_rows)), expected)


def test_bfloat16_softmax_is_float32():
    query, key, value = (x.bfloat16() for x in _query_key_value())
    scores = query.float() @ key.repeat_interleave(2, 1).float().transpose(-1, -2) / math.sqrt(8)
    expected = scores.softmax(-1).bfloat16() @ value.repeat_interleave(2, 1)
    torch.testing.assert_close(attend(query, key, value), expected.transpose(1, 2).flatten(2))


def test_fully_masked_row_is_finite():
    query, key, value = _query_key_value(queries=1)
    result = attend(query, key, value, torch.full((1, 1, 1, 7), MASKED))
    assert torch.isfinite(result).all()


def test_rotation_keeps_relative_positions_only():
    x, y = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)

    def product(first, second):
        return (rotate(x, _rotary(first, 1)) * rotate(y, _rotary(second, 1))).sum()

    torch.testing.assert_close(product(3, 7), product(10, 14), rtol=1e-4, atol=1e-5)


def test_norm_weight_is_one_plus():
    norm = RMSNorm(4)
    norm.weight.data.fill_(1.0)
    x = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    torch.testing.assert_close(norm(x), 2 * x / x.square().mean().sqrt(), rtol=1e-5, atol=1e-6)


def test_cached_equals_uncached(stack):
    x = torch.randn(2, 9, 32)
    bias = causal_bias(9, 0)
    bias[..., :6, :6] = 0.0
    bias[..., 6:, :] = 0.0
    whole = stack(x, _rotary(0, 9), bias)[:, 6:]
    cache = stack.prefill(x[:, :6], _rotary(0, 6))
    torch.testing.assert_close(stack(x[:, 6:], _rotary(6, 3), past=cache), whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("mask", [None, causal_bias(6, 0), PrefixThenCausal(2, open=3)])
def test_last_rows_alone_equal_the_last_rows(stack, rows, mask):
    x = torch.randn(2, 6, 32)
    whole, cache = stack.run(x, _rotary(0, 6), mask)
    last, same_cache = stack.run(x, _rotary(0, 6), mask, rows=rows)
    torch.testing.assert_close(last, whole[:, -rows:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(cache, same_cache, rtol=1e-4, atol=1e-4)


def test_rows_that_do_not_see_everything_are_not_cut_off(stack):
    with pytest.raises(ValueError, match="do not all see everything"):
        stack(torch.randn(1, 6, 32), _rotary(0, 6), PrefixThenCausal(2, open=1), rows=2)


def test_repeated_cache_serves_every_repetition(stack):
    cache = stack.prefill(torch.randn(2, 4, 32), _rotary(0, 4))
    x = torch.randn(2, 3, 32)
    single = stack(x, _rotary(4, 3), past=cache)
    many = stack(x.repeat(3, 1, 1), _rotary(4, 3), past=repeat_cache(cache, 3))
    torch.testing.assert_close(many, single.repeat(3, 1, 1), rtol=1e-4, atol=1e-4)


def test_normalised_residual_differs():
    torch.manual_seed(0)
    raw = GemmaStack(CONFIG)
    quirky = GemmaStack(CONFIG, normalised_residual=True)
    quirky.load_state_dict(raw.state_dict())
    x = 3 * torch.randn(1, 4, 32)
    assert not torch.allclose(raw(x, _rotary(0, 4)), quirky(x, _rotary(0, 4)), atol=1e-3)


def test_joining_changes_no_number_and_no_name(stack):
    x = torch.randn(1, 4, 32)
    before, names = stack(x, _rotary(0, 4)), list(stack.state_dict())
    join_all(stack)
    with torch.no_grad():
        joined = stack(x, _rotary(0, 4))
        torch.testing.assert_close(joined, before, rtol=1e-4, atol=1e-4)
        stack.layers[0].self_attn.k_proj.weight.mul_(2.0)
        changed = stack(x, _rotary(0, 4))
    assert list(stack.state_dict()) == names
    assert not torch.allclose(changed, joined, atol=1e-4)
    torch.testing.assert_close(stack(x, _rotary(0, 4)), changed, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 600), (2, 5, 600)])
def test_large_products_equal_the_usual_ones(shape):
    x, weight = torch.randn(*shape), torch.randn(500, 600)
    with torch.no_grad():
        torch.testing.assert_close(product(x, weight), x @ weight.T, rtol=1e-4, atol=1e-3)
        wide = product(x.transpose(0, -2), weight)
        torch.testing.assert_close(wide, x.transpose(0, -2) @ weight.T, rtol=1e-4, atol=1e-3)
        torch.testing.assert_close(product(x.double(), weight.double()), x.double() @ weight.T.double())


def test_without_the_faster_kernel_the_usual_one_is_taken(monkeypatch):
    monkeypatch.setattr("hume_core.nn.linear.onednn_kernel", lambda: None)
    x, weight = torch.randn(3, 600), torch.randn(500, 600)
    with torch.no_grad():
        assert torch.equal(product(x, weight), torch.nn.functional.linear(x, weight))


def test_moving_undoes_joining(stack):
    join_all(stack)
    stack.to(torch.float64)
    with torch.no_grad():
        assert stack(torch.randn(1, 4, 32, dtype=torch.float64), _rotary(0, 4)).dtype == torch.float64
