"""The names of `mlmlib` for editors and type checkers; at run time `__init__.py` imports each when it is first used."""

from . import clustering as clustering
from . import covariance as covariance
from . import datasets as datasets
from . import design as design
from . import diagnostics as diagnostics
from . import feedback as feedback
from . import formula as formula
from . import grading as grading
from . import growth as growth
from . import inference as inference
from . import plots as plots
from . import power as power
from . import published as published
from . import report as report
from . import simulate as simulate
from . import widgets as widgets
from .widgets import ask as ask
from .widgets import labs as labs
from .centering import center as center, within_between as within_between
from .clustering import icc as icc, design_effect as design_effect, reliability as reliability
from .datasets import load as load, describe as describe
from .diagnostics import (
    acf as acf,
    residuals as residuals,
    influence as influence,
    diagnose as diagnose,
    dispersion_test as dispersion_test,
    zeros_test as zeros_test,
    uniformity_test as uniformity_test,
    outliers_test as outliers_test,
)
from .errors import DataError as DataError, FormulaError as FormulaError
from .estimators import estimators as estimators
from .gee import gee as gee
from .gee.categories import GeeCategoryResult as GeeCategoryResult
from .gee.result import GeeResult as GeeResult
from .glmm import glmm as glmm
from .glmm.life_table import life_table as life_table
from .glmm.median_ratio import (
    median_odds_ratio as median_odds_ratio,
    median_rate_ratio as median_rate_ratio,
    interval_odds_ratio as interval_odds_ratio,
)
from .glmm.multinomial_result import MultinomialResult as MultinomialResult
from .glmm.ordinal_result import OrdinalResult as OrdinalResult
from .glmm.proportional import proportional_odds_test as proportional_odds_test
from .glmm.result import GlmmResult as GlmmResult
from .glmm.survival import person_period as person_period
from .gls import gls as gls
from .inference.contextual import contextual_effect as contextual_effect
from .inference.derived import slope as slope, crossing as crossing
from .inference.exact_rlrt import exact_rlrt as exact_rlrt, exact_lrt as exact_lrt
from .inference.likelihood_ratio import compare as compare
from .inference.margins import margins as margins
from .inference.means import emmeans as emmeans, emtrends as emtrends
from .lmm import lmm as lmm
from .lmm.result import LmmResult as LmmResult
from .lmm.row_result import RowResult as RowResult
from .multivariate import multivariate as multivariate
from .ols import ols as ols, OlsResult as OlsResult
from .outcomes.result import MultivariateResult as MultivariateResult
from .panel import panel as panel
from .panel.means import group_means as group_means
from .panel.result import PanelResult as PanelResult
from .panel.tests import hausman as hausman, breusch_pagan as breusch_pagan, mundlak_test as mundlak_test
from .r2 import r2 as r2, proportional_reduction as proportional_reduction
from .report import translate as translate, elsewhere as elsewhere, equations as equations
from .report.table import table as table
from .robust import robust as robust
from .robust.result import RobustResult as RobustResult
from .robust.wild import wild_bootstrap as wild_bootstrap
from .rows.public import (
    ar1 as ar1,
    car1 as car1,
    arma11 as arma11,
    cs as cs,
    toeplitz as toeplitz,
    un as un,
    by_group as by_group,
    power_of as power_of,
    exponential_of as exponential_of,
)
from .testresult import TestResult as TestResult

__version__: str
__all__: list[str]

