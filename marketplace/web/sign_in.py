"""Sign in, sign out, and choosing the organisation to act for."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from marketplace.models import Organisation
from marketplace.queries.visible import visible
from marketplace.web.page import ORGANISATION_KEY, Problem, frame, only, posted, user_of


class EmailForm(AuthenticationForm):
    """E-mail and password. The failure text is the same whether the account exists or not."""

    error_messages = {
        "invalid_login": "The e-mail address or the password is not right.",
        "inactive": "The e-mail address or the password is not right.",
    }


class SignIn(LoginView):
    """The sign-in page; a person who is signed in already goes on to their home."""

    template_name = "sign_in.html"
    authentication_form = EmailForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The frame around the form."""
        return {**super().get_context_data(**kwargs), **frame(self.request, "")}

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """The form again with what is wrong; the address is kept, the password is not."""
        found = [str(message) for messages in form.errors.values() for message in messages]
        problems = tuple(
            Problem(text, "Try again, or ask an administrator of your organisation.", "username") for text in found
        )
        context = self.get_context_data(form=form, problems=problems)
        return self.render_to_response(context, status=422)


@posted("home")
@only()
def choose_organisation(request: HttpRequest) -> HttpResponse:
    """Act for another of one's organisations from now on."""
    chosen = get_object_or_404(visible(Organisation, user_of(request)), slug=request.POST.get("organisation", ""))
    request.session[ORGANISATION_KEY] = chosen.slug
    return redirect("home")
