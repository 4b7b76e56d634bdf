"""The digits: their split, a short run, the picture, and the command."""

import io
import sys
from dataclasses import replace

import numpy as np
import pytest

from reference.training import cli
from reference.training.data import MissingDependencyError, load_digits, stratified
from reference.training.digits import Recipe, train_digits
from reference.training.picture import save_picture
from reference.training.progress import progress
from reference.training.stopping import Epoch

SHORT = Recipe(hidden=(32,), keep=1.0, epochs=12, seed=3)


@pytest.fixture(scope="module")
def digits():
    pytest.importorskip("sklearn")
    return load_digits()


@pytest.fixture(scope="module")
def short(digits):
    return train_digits(SHORT)


def test_the_split_is_disjoint_complete_and_scaled(digits):
    datasets = pytest.importorskip("sklearn.datasets")
    images, labels = datasets.load_digits(return_X_y=True)
    assert sum(len(part.t) for part in digits) == len(labels) == 1797
    parts = np.concatenate([np.column_stack([part.x, part.t]) for part in digits])
    whole = np.column_stack([images / 16, labels])
    assert np.array_equal(parts[np.lexsort(parts.T)], whole[np.lexsort(whole.T)])
    assert all(part.x.min() == 0 and part.x.max() == 1 for part in digits)


def test_every_class_has_its_share_in_every_part(digits):
    whole = sum(np.bincount(part.t, minlength=10) for part in digits)
    for part, share in zip(digits, (0.65, 0.15, 0.2), strict=True):
        assert (abs(np.bincount(part.t, minlength=10) - share * whole) <= 1).all()


def test_the_seed_decides_the_split(digits):
    again, other = load_digits(), load_digits(seed=1, dtype=np.float32)
    assert all(np.array_equal(a.x, b.x) for a, b in zip(digits, again, strict=True))
    assert not np.array_equal(digits.test.t, other.test.t)
    assert other.test.x.dtype == np.float32


def test_shares_must_add_up():
    t, rng = np.arange(4), np.random.default_rng(0)
    for shares in ((0.5, 0.6), (1.0, 0.0)):
        with pytest.raises(ValueError, match="must be positive and have sum 1"):
            stratified(t, shares, rng)


def test_a_short_run_learns(short):
    assert short.test_accuracy > 0.85
    assert short.stop.criterion == "max epochs"
    assert len(short.mistakes) == round((1 - short.test_accuracy) * short.examples[2])
    assert all(m.label != m.read_as for m in short.mistakes)
    sure = [m.probability for m in short.mistakes]
    assert sure == sorted(sure, reverse=True)


def test_runs_repeat_and_seeds_matter(short):
    assert train_digits(SHORT).history == short.history
    other = train_digits(replace(SHORT, seed=4, epochs=1))
    assert other.history[0] != short.history[0]


def test_missing_scikit_learn_is_explained(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingDependencyError, match="pip install scikit-learn"):
        load_digits()
    assert cli.run(["digits"]) == 2
    assert "pip install scikit-learn" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "magic"), [("run.png", b"\x89PNG"), ("run.svg", b"<?xml")])
def test_the_picture_is_drawn_and_repeats(short, tmp_path, name, magic):
    pytest.importorskip("matplotlib")
    first = save_picture(short, tmp_path / name).read_bytes()
    assert first.startswith(magic)
    assert save_picture(short, tmp_path / name).read_bytes() == first
    if name.endswith("svg"):
        assert b"dc:date" not in first


def test_the_picture_needs_matplotlib_and_a_known_suffix(short, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"must end in .png or .svg, not 'run.txt'"):
        save_picture(short, tmp_path / "run.txt")
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match="pip install matplotlib"):
        save_picture(short, tmp_path / "run.png")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def epochs(count):
    return [Epoch(k, 0.1, 1 / k, 1.0, 1 / k, 1 - 1 / k) for k in range(1, count + 1)]


def test_lines_are_few_and_the_last_epoch_is_among_them():
    stream = io.StringIO()
    with progress(100, stream) as report:
        for e in epochs(34):
            report(e)
    lines = stream.getvalue().splitlines()
    assert [line.split()[1] for line in lines] == ["1/100", "10/100", "20/100", "30/100", "34/100"]
    assert "loss 0.0294" in lines[-1]
    assert "validation accuracy  97.1%" in lines[-1]
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_a_bar_if_rich_is_there(monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    stream = Terminal()
    with progress(5, stream) as report:
        for e in epochs(5):
            report(e)
    assert "loss 0.2000" in stream.getvalue()
    assert "80.0%" in stream.getvalue()
    monkeypatch.setattr("reference.training.progress.find_spec", lambda name: None)
    plain = Terminal()
    with progress(2, plain) as report:
        for e in epochs(2):
            report(e)
    assert "\x1b" not in plain.getvalue()
    assert len(plain.getvalue().splitlines()) == 2


QUICK = ["digits", "--hidden", "16", "--keep", "1", "--epochs", "2", "--quiet"]


def test_the_command_says_how_it_ended(digits, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "digits.svg"
    assert cli.run([*QUICK, "--target", "0.1", "--picture", str(picture)]) == 0
    told = capsys.readouterr().out
    assert "64 - 16 - 10" in told
    assert "after epoch 2, by max epochs" in told
    assert "target 10% reached" in told
    assert str(picture) in told
    assert picture.exists()
    assert cli.run([*QUICK, "--target", "1"]) == 1
    assert "target 100% MISSED" in capsys.readouterr().out


def test_the_command_passes_its_options_on(digits, capsys):
    assert cli.run([*QUICK[:1], "--layers", "3", *QUICK[3:], "--lr", "0.5", "--clip", "0", "--target", "0"]) == 0
    told = capsys.readouterr().out
    assert "64 - 34 - 19 - 10" in told
    assert "learning rate 0.5 (cosine)" in told
    assert "no clipping" in told
    assert "note      alpha = 0.5 is outside the usual" in told


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--epochs", "0"], 2, "max_epochs must be at least 1"),
        (["--keep", "0"], 2, "keep is a probability"),
        (["--layers", "0"], 2, "must be at least 1"),
        (["--lr", "1e30", "--clip", "0"], 1, "diverged"),
    ],
)
def test_the_command_explains_what_it_cannot_do(digits, options, status, message, capsys):
    assert cli.run(["digits", "--quiet", *options]) == status
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--picture", "run.txt"], "must end in .png or .svg"),
        (["--picture", "no/such/folder/run.png"], "there is no folder"),
        (["--target", "97"], "not between 0 and 1"),
        (["--hidden", "9", "--layers", "2"], "not allowed with"),
    ],
)
def test_unreadable_arguments_stop_before_training(options, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.run(["digits", *options])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_help_lists_options_with_their_defaults(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.run(["digits", "--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert "None" not in told
    assert "False" not in told
    for option in ("--epochs", "--seed", "--lr", "--picture", "--patience", "(default: 150)"):
        assert option in told
